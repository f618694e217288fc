package terms

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

func TestAPlanIsSpelt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]terms.Grant{
		"":                         {},
		"*":                        {Entitlements: []entitlement.Name{"*"}},
		" blog.* ;; shop.export; ": {Entitlements: []entitlement.Name{"blog.*", "shop.export"}},
		"rate 100 burst 200; key_rate 1 burst 2": {
			Rate: &terms.Rate{PerSecond: 100, Burst: 200}, KeyRate: &terms.Rate{PerSecond: 1, Burst: 2},
		},
		"requests 10000/month; tokens 5/day soft": {Quotas: []quota.Limit{
			{Unit: "requests", Window: quota.Month, Amount: 10000}, {Unit: "tokens", Window: quota.Day, Amount: 5, Soft: true},
		}},
	} {
		if want.Quotas == nil {
			want.Quotas = []quota.Limit{}
		}
		if want.Entitlements == nil {
			want.Entitlements = []entitlement.Name{}
		}
		got, err := Spec{text}.Grant()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestAPlanThatIsMisspeltIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"rate 100", "rate x burst 2", "rate 1 burst y", "rate 1 burts 2", "rate 1 burst 2; rate 1 burst 2", "rate 1 burst 2 3",
		"requests 5", "requests /day", "requests 5/week", "requests 5/day hard", "requests 5/day soft soft", "requests 5/day, seats 5/day",
		"requests 99999999999999999999/day",
	} {
		_, err := Spec{text}.Grant()
		require.Error(t, err, text)
	}
}

func FuzzASpecIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"*", "rate 1 burst 2; blog.*", "requests 5/day soft;", "\x00;\xff /", "rate rate rate rate"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Spec
		require.NoError(t, s.UnmarshalText([]byte(text)))
		again, err := s.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(again))
		grant, err := s.Grant()
		for _, q := range grant.Quotas {
			require.True(t, q.Window.Valid())
		}
		if err == nil && grant.Rate == nil && grant.KeyRate == nil && len(grant.Quotas)+len(grant.Entitlements) == 0 {
			for _, c := range text {
				require.True(t, c == ';' || unicode.IsSpace(c), "%q was passed over", text)
			}
		}
	})
}
