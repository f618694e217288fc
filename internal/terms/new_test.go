package terms_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/terms"
)

func TestAPlanOfTheConfigurationThatNamesWhatNobodyDeclaresFailsTheStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	cfg := terms.DefaultConfig()
	var s terms.Spec
	require.NoError(t, s.UnmarshalText([]byte("shop.exprot; bottles 5/day; rate 0 burst 1")))
	cfg.Plans["odd"] = s
	_, err := terms.New(cfg, terms.Parts{Feed: &wire{on: map[string]func(string){}}}, r.Catalog)
	for _, fault := range []string{"terms.plans: odd", "entitlements.0 is no entitlement", "quotas.0.unit is no unit", "rate.per_second must be"} {
		require.ErrorContains(t, err, fault)
	}
}
