package terms

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/terms"
)

func first(targets []policy.Target, key string) string {
	all := slices.Clone(targets)
	order(all, key)
	return all[0].Name
}

// Three targets with the weights 1, 2 and 7: the share of each is within five standard deviations of what its weight says,
// for keys, which decide it, and for the empty key, which is chance: that fails once in a million runs.
func TestTargetsComeFirstAsOftenAsTheirWeightsSay(t *testing.T) {
	t.Parallel()
	targets := []policy.Target{{Name: "a", Weight: 1}, {Name: "b", Weight: 2}, {Name: "c", Weight: 7}}
	const draws = 100_000
	for name, key := range map[string]func(int) string{
		"keys that differ at their end": func(n int) string { return fmt.Sprintf("conversation-%d", n) },
		"no keys":                       func(int) string { return "" },
	} {
		seen := map[string]int{}
		for n := range draws {
			seen[first(targets, key(n))]++
		}
		for _, target := range targets {
			share := float64(target.Weight) / 10
			require.InDelta(t, share*draws, seen[target.Name], 5*math.Sqrt(draws*share*(1-share)), "%s: %v", name, seen)
		}
	}
}

func TestOnlyTheKeysOfATargetThatGoesMove(t *testing.T) {
	t.Parallel()
	targets := []policy.Target{{Name: "a", Weight: 1}, {Name: "b", Weight: 2}, {Name: "c", Weight: 7}}
	without := targets[:2]
	moved := 0
	for n := range 10_000 {
		key := fmt.Sprint(n)
		was := first(targets, key)
		require.Equal(t, was, first([]policy.Target{targets[2], targets[0], targets[1]}, key), "the order in which they are listed")
		if was == "c" {
			moved++
			continue
		}
		require.Equal(t, was, first(without, key))
	}
	require.InDelta(t, 7_000, moved, 250)
}

func TestAnAllowListNamesOrHasAPatternFor(t *testing.T) {
	t.Parallel()
	of := func(list ...string) *Terms {
		return &Terms{policies: terms.Policies{Allow: map[policy.Kind][]string{"models": list}}}
	}
	for _, c := range []struct {
		t     *Terms
		value string
		open  bool
		want  bool
	}{
		{&Terms{}, "x", true, true},
		{&Terms{}, "x", false, false},
		{of(), "x", true, false},
		{of("x"), "x", false, true},
		{of("x"), "xy", true, false},
		{of("*"), "", false, true},
		{of("gpt-*"), "gpt-4", false, true},
		{of("gpt-*"), "gpt-", false, true},
		{of("gpt-*"), "gpt", false, false},
		{of("gpt-*"), "my-gpt-4", false, false},
		{of("a", "b*"), "bc", false, true},
		{of("gpt-*"), "GPT-4", false, false},
	} {
		require.Equal(t, c.want, c.t.allows("models", c.value, c.open), "%q by %v", c.value, c.t.policies.Allow)
	}
}
