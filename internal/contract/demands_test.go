package contract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/entitlement"
)

func TestAnOperationSaysWhatThePlanMustGrant(t *testing.T) {
	t.Parallel()
	c, err := Parse(things(named + ", x-authenticated: true, x-entitlement: things.making"))
	require.NoError(t, err)
	require.Equal(t, entitlement.Name("things.making"), c.Operations[0].Entitlement)
	for operation, want := range map[string]string{
		", security: [], x-entitlement: things.making":       "x-entitlement needs x-authenticated or x-permission",
		", x-authenticated: true, x-entitlement: making":     "x-entitlement must be the name of a feature",
		", x-authenticated: true, x-entitlement: 5":          "x-entitlement must be the name of a feature",
		", x-authenticated: true, x-entitlement: [things.a]": "x-entitlement must be the name of a feature",
	} {
		_, err := Parse(things(named + operation))
		require.ErrorContains(t, err, want, operation)
	}
}
