package terms

import (
	"cmp"
	"maps"
	"slices"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

func compare(a, b quota.Unit) int { return cmp.Compare(a, b) }

// base is what a plan grants to whoever has nothing else.
func (v *vocabulary) base(p terms.Plan) *Terms {
	return &Terms{Plan: p.Name, Rate: p.Rate, KeyRate: p.KeyRate, Quotas: sortedLimits(p.Quotas), features: v.all(p.Entitlements)}
}

// shared is the base of a plan that was read in a generation: one for all tenants that have it. What was read before a change
// is not remembered, because a plan that is deleted and made again has the same versions.
func (b *Book) shared(p terms.Plan, generation uint64) *Terms {
	at := planID{p.Name, p.Version}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.generation != generation {
		return b.words.base(p)
	}
	if known := b.granted[at]; known != nil {
		return known
	}
	t := b.words.base(p)
	b.granted[at] = t
	return t
}

func nothing(l terms.Limits) bool {
	return l.Rate == nil && l.KeyRate == nil && len(l.Quotas)+len(l.Entitlements)+len(l.Withheld) == 0
}

// resolve puts what is set for a tenant over what its plan grants.
func (v *vocabulary) resolve(base *Terms, l terms.Limits) *Terms {
	t := *base
	t.Rate, t.KeyRate = cmp.Or(l.Rate, base.Rate), cmp.Or(l.KeyRate, base.KeyRate)
	if len(l.Quotas) > 0 {
		quotas := slices.Clone(l.Quotas)
		for _, q := range base.Quotas {
			if !slices.ContainsFunc(l.Quotas, func(o quota.Limit) bool { return o.Unit == q.Unit && o.Window == q.Window }) {
				quotas = append(quotas, q)
			}
		}
		t.Quotas = sortedLimits(quotas)
	}
	if len(l.Entitlements)+len(l.Withheld) > 0 {
		t.features = maps.Clone(base.features)
		maps.Copy(t.features, v.all(l.Entitlements))
		for name := range v.all(l.Withheld) {
			delete(t.features, name)
		}
	}
	return &t
}

// grant is what counts after all, as the operator sees it.
func (t *Terms) grant() terms.Grant {
	return terms.Grant{
		Rate: t.Rate, KeyRate: t.KeyRate, Quotas: append([]quota.Limit{}, t.Quotas...),
		Entitlements: append([]entitlement.Name{}, slices.Sorted(maps.Keys(t.features))...),
	}
}

// all is what names and patterns stand for. What no module declares any more is nothing.
func (v *vocabulary) all(names []entitlement.Name) map[entitlement.Name]struct{} {
	set := map[entitlement.Name]struct{}{}
	for _, name := range names {
		for _, feature := range v.meant(name) {
			set[feature] = struct{}{}
		}
	}
	return set
}

func sortedLimits(limits []quota.Limit) []quota.Limit {
	windows := quota.Windows()
	return slices.SortedFunc(slices.Values(limits), func(a, b quota.Limit) int {
		return cmp.Or(compare(a.Unit, b.Unit), cmp.Compare(slices.Index(windows, a.Window), slices.Index(windows, b.Window)))
	})
}
