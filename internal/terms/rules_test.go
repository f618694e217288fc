package terms

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

// declared is what modules declare in these tests.
type declared struct{}

func (declared) Entitlements() []entitlement.Definition {
	return []entitlement.Definition{{Name: "blog.following"}, {Name: "shop.export"}, {Name: "shop.gifts"}}
}

func (declared) Units() []quota.Definition {
	return []quota.Definition{{Name: quota.Requests}, {Name: "seats"}, {Name: "tokens"}}
}

func (declared) Policies() []policy.Definition {
	return []policy.Definition{{Name: "models"}, {Name: "tools", Default: "allow"}}
}

func TestTermsNameWhatIsDeclaredAndStayWithinBounds(t *testing.T) {
	t.Parallel()
	v := newVocabulary(declared{})
	rate := func(second, burst int) func(*faults) {
		return func(f *faults) { v.rate(f, "rate", &terms.Rate{PerSecond: second, Burst: burst}) }
	}
	quotas := func(l ...quota.Limit) func(*faults) { return func(f *faults) { v.quotas(f, l) } }
	features := func(n ...entitlement.Name) func(*faults) { return func(f *faults) { v.entitlements(f, "withheld", n) } }
	allow := func(k policy.Kind, values ...string) func(*faults) {
		return func(f *faults) { v.policies(f, terms.Policies{Allow: map[policy.Kind][]string{k: values}}) }
	}
	route := func(k policy.Kind, s policy.Strategy, targets ...policy.Target) func(*faults) {
		return func(f *faults) {
			v.policies(f, terms.Policies{Routing: map[policy.Kind]policy.Routing{k: {Strategy: s, Targets: targets}}})
		}
	}
	seats := quota.Limit{Unit: "seats", Window: quota.Lifetime, Amount: 5}
	for name, c := range map[string]struct {
		say  func(*faults)
		want []string // "field code"
	}{
		"a rate":                    {rate(1, 1), nil},
		"the largest rate":          {rate(1_000_000, 10_000_000), nil},
		"a rate of nothing":         {rate(0, 0), []string{"rate.per_second out_of_range", "rate.burst out_of_range"}},
		"a rate that is too large":  {rate(1_000_001, 10_000_001), []string{"rate.per_second out_of_range", "rate.burst out_of_range"}},
		"a quota":                   {quotas(seats), nil},
		"a quota twice":             {quotas(seats, seats), []string{"quotas.1 duplicate"}},
		"a quota of nothing known":  {quotas(quota.Limit{Unit: "x", Window: "week", Amount: -1}), []string{"quotas.0.unit unknown", "quotas.0.window unknown", "quotas.0.amount out_of_range"}},
		"a quota too large":         {quotas(quota.Limit{Unit: "seats", Window: quota.Day, Amount: quota.MaxAmount + 1}), []string{"quotas.0.amount out_of_range"}},
		"too many quotas":           {quotas(slices.Repeat([]quota.Limit{seats}, 101)...), []string{"quotas too_many"}},
		"features and patterns":     {features("shop.export", "shop.*", "*"), nil},
		"features that nobody has":  {features("shop.exprot", "shopp.*", "sh*", "shop*", "*.export", ""), []string{"withheld.0 unknown", "withheld.1 unknown", "withheld.2 unknown", "withheld.3 unknown", "withheld.4 unknown", "withheld.5 unknown"}},
		"features twice":            {features("shop.*", "shop.export", "shop.*"), []string{"withheld.2 duplicate"}},
		"too many features":         {features(slices.Repeat([]entitlement.Name{"*"}, 201)...), []string{"withheld too_many"}},
		"an allow-list":             {allow("models", "gpt-*", "*", "claude"), nil},
		"an empty allow-list":       {allow("models"), nil},
		"patterns that are none":    {allow("models", "a*b", "**", "", strings.Repeat("x", 201), "\xff"), []string{"allow.models.0 invalid", "allow.models.1 invalid", "allow.models.2 invalid", "allow.models.3 invalid", "allow.models.4 invalid"}},
		"too long an allow-list":    {allow("models", slices.Repeat([]string{"x"}, 501)...), []string{"allow.models too_many"}},
		"a kind that nobody has":    {allow("modles", "x"), []string{"allow.modles unknown"}},
		"a kind that is none":       {allow(policy.Kind(strings.Repeat("X ", 5000)), "x"), []string{"allow unknown"}},
		"a routing":                 {route("models", policy.Weighted, policy.Target{Name: "a", Weight: 1}, policy.Target{Name: "b", Weight: 1000}), nil},
		"a routing by order":        {route("models", policy.Priority, policy.Target{Name: "a"}), nil},
		"a routing to nowhere":      {route("models", "random"), []string{"routing.models.strategy unknown", "routing.models.targets out_of_range"}},
		"too many targets":          {route("models", policy.Priority, slices.Repeat([]policy.Target{{Name: "a"}}, 21)...), []string{"routing.models.targets out_of_range"}},
		"targets twice, and nobody": {route("models", policy.Priority, policy.Target{Name: "a"}, policy.Target{Name: "a"}, policy.Target{}), []string{"routing.models.targets.1.name duplicate", "routing.models.targets.2.name invalid"}},
		"weights that are none":     {route("models", policy.Weighted, policy.Target{Name: "a"}, policy.Target{Name: "b", Weight: 1001}), []string{"routing.models.targets.0.weight out_of_range", "routing.models.targets.1.weight out_of_range"}},
		"weights without a meaning": {route("models", policy.Priority, policy.Target{Name: "a", Weight: 1}), []string{"routing.models.targets.0.weight unexpected"}},
	} {
		var f faults
		c.say(&f)
		var got []string
		for _, field := range f {
			got = append(got, field.Field+" "+field.Code)
		}
		require.Equal(t, c.want, got, name)
		p, wrong := errors.AsType[*problem.Problem](f.err())
		require.Equal(t, len(c.want) > 0, wrong, name)
		require.True(t, !wrong || errors.Is(p, terms.ErrInvalid), name)
	}
}
