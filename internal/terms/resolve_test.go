package terms

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

// The model asks every question anew, of the lists as they were given.
func TestWhatIsSetCountsInsteadOfWhatThePlanSays(t *testing.T) {
	t.Parallel()
	v := newVocabulary(declared{})
	names := rapid.SliceOf(rapid.SampledFrom([]entitlement.Name{"*", "shop.*", "blog.*", "shop.export", "shop.gifts", "blog.following", "gone.for_good"}))
	rates := rapid.Ptr(rapid.Custom(func(t *rapid.T) terms.Rate {
		return terms.Rate{PerSecond: rapid.IntRange(1, 9).Draw(t, "second"), Burst: rapid.IntRange(1, 9).Draw(t, "burst")}
	}), true)
	quotas := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) quota.Limit {
		return quota.Limit{
			Unit: rapid.SampledFrom([]quota.Unit{"requests", "seats", "tokens"}).Draw(t, "unit"), Window: rapid.SampledFrom(quota.Windows()).Draw(t, "window"),
			Amount: rapid.Int64Range(0, 99).Draw(t, "amount"), Soft: rapid.Bool().Draw(t, "soft"),
		}
	}), func(l quota.Limit) string { return string(l.Unit) + "/" + string(l.Window) })
	rapid.Check(t, func(t *rapid.T) {
		plan := terms.Plan{Name: "p", Grant: terms.Grant{
			Rate: rates.Draw(t, "rate"), KeyRate: rates.Draw(t, "key rate"), Quotas: quotas.Draw(t, "quotas"), Entitlements: names.Draw(t, "entitlements"),
		}}
		set := terms.Limits{
			Rate: rates.Draw(t, "own rate"), KeyRate: rates.Draw(t, "own key rate"), Quotas: quotas.Draw(t, "own quotas"),
			Entitlements: names.Draw(t, "own entitlements"), Withheld: names.Draw(t, "withheld"),
		}
		base := v.base(plan)
		before := base.grant()
		got := v.resolve(base, set)
		for _, d := range (declared{}).Entitlements() {
			want := (means(plan.Entitlements, d.Name) || means(set.Entitlements, d.Name)) && !means(set.Withheld, d.Name)
			require.Equal(t, want, got.Entitled(d.Name), d.Name)
		}
		require.False(t, got.Entitled("gone.for_good"))
		if set.Rate != nil {
			require.Equal(t, set.Rate, got.Rate)
		} else {
			require.Equal(t, plan.Rate, got.Rate)
		}
		if set.KeyRate != nil {
			require.Equal(t, set.KeyRate, got.KeyRate)
		} else {
			require.Equal(t, plan.KeyRate, got.KeyRate)
		}
		for _, u := range (declared{}).Units() {
			var want []quota.Limit
			for _, w := range quota.Windows() {
				at := func(l quota.Limit) bool { return l.Unit == u.Name && l.Window == w }
				for _, lists := range [][]quota.Limit{set.Quotas, plan.Quotas} {
					if i := slices.IndexFunc(lists, at); i >= 0 {
						want = append(want, lists[i])
						break
					}
				}
			}
			require.Equal(t, want, append([]quota.Limit(nil), got.Limits(u.Name)...), u.Name)
		}
		require.Equal(t, before, base.grant(), "what all tenants of the plan share has changed")
	})
}

func means(names []entitlement.Name, feature entitlement.Name) bool {
	return slices.ContainsFunc(names, func(n entitlement.Name) bool {
		module, _, _ := strings.Cut(string(feature), ".")
		return n == feature || n == "*" || string(n) == module+".*"
	})
}
