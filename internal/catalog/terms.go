package catalog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
)

// claimed says which module has declared a feature, a unit or a kind.
type claimed map[string]string

// claim finds what another module has declared before.
func (c claimed) claim(m module.Manifest) []error {
	var errs []error
	take := func(what, name string) {
		if owner, taken := c[what+name]; taken {
			errs = append(errs, fmt.Errorf("%s%q is declared by %s and by %s", what, name, owner, m.Name))
		}
		c[what+name] = m.Name
	}
	for _, e := range m.Entitlements {
		take("entitlement ", string(e.Name))
	}
	for _, u := range m.Units {
		take("unit ", string(u.Name))
	}
	for _, k := range m.Policies {
		take("policy ", string(k.Name))
	}
	return errs
}

// Entitlements returns the features that core and the enabled modules declare, sorted by name.
func (c *Catalog) Entitlements() []entitlement.Definition {
	return sorted(c, func(m module.Manifest) []entitlement.Definition { return m.Entitlements }, func(d entitlement.Definition) entitlement.Name { return d.Name })
}

// Units returns what core and the enabled modules count, sorted by name.
func (c *Catalog) Units() []quota.Definition {
	return sorted(c, func(m module.Manifest) []quota.Definition { return m.Units }, func(d quota.Definition) quota.Unit { return d.Name })
}

// Policies returns the kinds that core and the enabled modules declare, sorted by name.
func (c *Catalog) Policies() []policy.Definition {
	return sorted(c, func(m module.Manifest) []policy.Definition { return m.Policies }, func(d policy.Definition) policy.Kind { return d.Name })
}

func sorted[D any, N cmp.Ordered](c *Catalog, of func(module.Manifest) []D, name func(D) N) []D {
	var all []D
	for _, m := range c.Manifests() {
		all = append(all, of(m)...)
	}
	slices.SortFunc(all, func(a, b D) int { return cmp.Compare(name(a), name(b)) })
	return all
}
