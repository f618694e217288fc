package auth

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestTheTokensOfASuspendedTenantAreForbiddenAndNotUnknown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	remembered := b.issue(t, c)
	_, err := b.Verify(t.Context(), remembered)
	require.NoError(t, err)

	b.sessions.suspend(true)
	_, err = b.Verify(t.Context(), remembered)
	require.NoError(t, err, "nobody has said so yet")
	require.NoError(t, b.RecheckTenant(t.Context(), c.TenantID))
	for _, token := range []string{remembered, b.issue(t, c)} {
		_, err = b.Verify(t.Context(), token)
		require.ErrorIs(t, err, tenant.ErrSuspended)
		require.Equal(t, problem.Forbidden, problem.From(err).Kind)
	}

	b.sessions.suspend(false)
	require.NoError(t, b.RecheckTenant(t.Context(), c.TenantID))
	_, err = b.Verify(t.Context(), remembered)
	require.NoError(t, err, "the same token, when the tenant is resumed")

	b.sessions.suspend(true)
	b.sessions.end(c.SessionID)
	require.NoError(t, b.RecheckTenant(t.Context(), c.TenantID))
	_, err = b.Verify(t.Context(), remembered)
	require.ErrorIs(t, err, ErrTokenRevoked, "a session that has ended is not told about the tenant")

	require.Error(t, b.RecheckTenant(t.Context(), uuid.Nil))
}
