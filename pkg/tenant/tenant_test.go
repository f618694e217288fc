package tenant_test

import (
	"context"
	"testing"

	"entgo.io/ent"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/tenant"
)

func TestATenantTravelsInTheContext(t *testing.T) {
	t.Parallel()
	_, ok := tenant.FromContext(t.Context())
	require.False(t, ok)
	_, ok = tenant.FromContext(tenant.NewContext(t.Context(), uuid.Nil))
	require.False(t, ok, "the zero tenant is none")
	id := uuid.New()
	got, ok := tenant.FromContext(tenant.NewContext(t.Context(), id))
	require.True(t, ok)
	require.Equal(t, id, got)
}

func TestTheSystemSaysWhyAndATenantEndsIt(t *testing.T) {
	t.Parallel()
	_, ok := tenant.SystemReason(t.Context())
	require.False(t, ok)
	_, ok = tenant.SystemReason(tenant.System(t.Context(), ""))
	require.False(t, ok, "without a reason it stays closed")
	system := tenant.System(t.Context(), "sign-in")
	reason, ok := tenant.SystemReason(system)
	require.True(t, ok)
	require.Equal(t, "sign-in", reason)
	inside := tenant.NewContext(system, uuid.New())
	_, ok = tenant.SystemReason(inside)
	require.False(t, ok)
	_, ok = tenant.SystemReason(tenant.System(inside, "again"))
	require.True(t, ok)
}

// A client that was generated without wherep.tmpl has queries that cannot be limited.
func TestAQueryThatCannotBeScopedFails(t *testing.T) {
	t.Parallel()
	interceptor := tenant.Mixin{}.Interceptors()[0].(ent.Traverser)
	type unscoped struct{ ent.Query }
	err := interceptor.Traverse(tenant.NewContext(t.Context(), uuid.New()), unscoped{})
	require.ErrorIs(t, err, tenant.ErrMissing)
	require.ErrorContains(t, err, "wherep.tmpl")
	require.NoError(t, interceptor.Traverse(tenant.System(t.Context(), "test"), unscoped{}))
	require.ErrorIs(t, interceptor.Traverse(context.Background(), unscoped{}), tenant.ErrMissing)
}
