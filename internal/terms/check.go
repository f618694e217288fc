package terms

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/tenant"
)

// here returns the terms of the tenant in ctx.
func (b *Book) here(ctx context.Context) (*Terms, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, tenant.ErrMissing
	}
	return b.Of(ctx, id)
}

// Check implements entitlement.Checker.
func (b *Book) Check(ctx context.Context, n entitlement.Name) error {
	t, err := b.here(ctx)
	if err != nil {
		return err
	}
	if !t.Entitled(n) {
		b.denials.Denied(ctx, "entitlement", string(n))
		return entitlement.ErrMissing
	}
	return nil
}

// Allowed implements policy.Policies.
func (b *Book) Allowed(ctx context.Context, k policy.Kind, value string) error {
	t, err := b.here(ctx)
	if err != nil {
		return err
	}
	open, known := b.words.kinds[k]
	if !known {
		return fmt.Errorf("no module declares the policy %q", k)
	}
	if !t.allows(k, value, open) {
		b.denials.Denied(ctx, "policy", string(k))
		return policy.ErrDenied
	}
	return nil
}

func (t *Terms) allows(k policy.Kind, value string, open bool) bool {
	list, given := t.policies.Allow[k]
	if !given {
		return open
	}
	return slices.ContainsFunc(list, func(entry string) bool {
		prefix, pattern := strings.CutSuffix(entry, "*")
		return entry == value || pattern && strings.HasPrefix(value, prefix)
	})
}

// Route implements policy.Policies.
func (b *Book) Route(ctx context.Context, k policy.Kind, key string) ([]string, error) {
	t, err := b.here(ctx)
	if err != nil {
		return nil, err
	}
	open, known := b.words.kinds[k]
	if !known {
		return nil, fmt.Errorf("no module declares the policy %q", k)
	}
	routing := t.policies.Routing[k]
	targets := slices.DeleteFunc(slices.Clone(routing.Targets), func(target policy.Target) bool { return !t.allows(k, target.Name, open) })
	if routing.Strategy == policy.Weighted {
		order(targets, key)
	}
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = target.Name
	}
	return names, nil
}

// order is weighted rendezvous hashing (C. Schindelhauer and G. Schomaker, "Weighted Distributed Hash Tables", SPAA 2005, the
// logarithmic method): each target draws weight / -ln(u) with a u that its name and the key decide. The largest is first as
// often as its share of the weights says, and no target's draw depends on which others there are.
func order(targets []policy.Target, key string) {
	draws := make(map[string]float64, len(targets))
	for _, t := range targets {
		draws[t.Name] = float64(t.Weight) / -math.Log(uniform(t.Name, key))
	}
	slices.SortFunc(targets, func(a, b policy.Target) int {
		if x, y := draws[a.Name], draws[b.Name]; x != y {
			if x > y {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// uniform is between 0 and 1, neither of them included.
func uniform(name, key string) float64 {
	n := rand.Uint64()
	if key != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(name + "\x00" + key)) // never fails
		n = mix(h.Sum64())
	}
	return (float64(n>>11) + 0.5) / (1 << 53)
}

// mix spreads the bits: FNV alone leaves keys that differ in their last byte only close together. It is the finalizer of
// SplitMix64 (G. Steele, D. Lea and C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
func mix(n uint64) uint64 {
	n ^= n >> 30
	n *= 0xbf58476d1ce4e5b9
	n ^= n >> 27
	n *= 0x94d049bb133111eb
	return n ^ n>>31
}
