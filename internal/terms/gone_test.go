package terms_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/terms"
)

func TestAPlanThatIsGoneIsLoggedOnceUntilItIsFoundAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	lines := func() int {
		return r.Log.FilterMessage("a tenant has a plan that there is not, and is entitled to nothing").Len()
	}
	gold := terms.Plan{Name: "gold", Grant: terms.Grant{Entitlements: []entitlement.Name{gifts}}}
	_, err := r.book.SetPlan(t.Context(), gold, nil)
	require.NoError(t, err)
	_, err = r.book.SetLimits(t.Context(), r.id, terms.Limits{Plan: "gold"}, nil)
	require.NoError(t, err)
	read := func() { // which always looks
		t.Helper()
		_, _, _, err := r.book.Limits(t.Context(), r.id)
		require.NoError(t, err)
	}
	for want := 1; want <= 2; want++ {
		require.NoError(t, r.Database.Exec(t.Context(), "DELETE FROM terms_plans WHERE id = 'gold'", []any{}, nil))
		for range 3 {
			read()
		}
		require.Equal(t, want, lines())
		_, err = r.book.SetPlan(t.Context(), gold, nil)
		require.NoError(t, err)
		read()
	}
	require.Equal(t, 2, lines())
}
