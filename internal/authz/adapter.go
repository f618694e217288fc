package authz

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/casbin/casbin/v2/model"
	"github.com/casbin/casbin/v2/persist"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/tenant"
)

// Adapter is casbin's way to the stored rules. Every write is one transaction, or joins the one in the context, and
// makes the changed rules count as Assign does. A rule that parseRule refuses is never stored. Once it has loaded the
// rules of some tenants only, it touches no others.
type Adapter struct {
	ctx      context.Context // casbin's interface has no place for it
	a        *Authorizer
	filtered bool
	tenants  []uuid.UUID // when filtered
}

var (
	_ persist.FilteredAdapter  = (*Adapter)(nil)
	_ persist.BatchAdapter     = (*Adapter)(nil)
	_ persist.UpdatableAdapter = (*Adapter)(nil)
)

// Adapter returns an adapter whose statements run with ctx. It is for one goroutine, as casbin's enforcer is.
func (a *Authorizer) Adapter(ctx context.Context) *Adapter { return &Adapter{ctx: system(ctx), a: a} }

// system is for policies as a whole, which are those of many tenants.
func system(ctx context.Context) context.Context { return tenant.System(ctx, "casbin policies") }

// LoadPolicy loads the rules of every tenant and of the built-in roles.
func (ad *Adapter) LoadPolicy(m model.Model) error {
	ad.filtered, ad.tenants = false, nil
	return ad.load(m)
}

// LoadFilteredPolicy loads the rules of the tenants in filter, a []uuid.UUID, and of the built-in roles.
func (ad *Adapter) LoadFilteredPolicy(m model.Model, filter any) error {
	tenants, ok := filter.([]uuid.UUID)
	if !ok {
		return fmt.Errorf("load rules: the filter is a %T instead of a list of tenants", filter)
	}
	ad.filtered, ad.tenants = true, slices.Clone(tenants)
	return ad.load(m)
}

// IsFiltered tells whether the last load was limited to some tenants.
func (ad *Adapter) IsFiltered() bool { return ad.filtered }

func (ad *Adapter) load(m model.Model) error {
	for _, values := range ad.a.vocabulary.derived() {
		if err := persist.LoadPolicyArray(append([]string{permissionRule}, values...), m); err != nil {
			return fmt.Errorf("load the rules of the built-in roles: %w", err)
		}
	}
	rules, err := ad.a.rules(ad.ctx, ad.within()...)
	if err != nil {
		return fmt.Errorf("load rules: %w", err)
	}
	for _, r := range rules {
		if err := persist.LoadPolicyArray(append([]string{r.ptype}, r.values()...), m); err != nil {
			return fmt.Errorf("load rule %s %q: %w", r.ptype, r.values(), err)
		}
	}
	return nil
}

// within limits match to what was loaded.
func (ad *Adapter) within(match ...predicate.Rule) []predicate.Rule {
	if ad.filtered {
		match = append(match, entrule.TenantIDIn(ad.tenants...))
	}
	return match
}

// SavePolicy makes the stored rules those of m: it adds and removes the difference. The rules that the modules declare
// for the built-in roles are passed over, and any other that cannot be stored is an error.
func (ad *Adapter) SavePolicy(m model.Model) error {
	wanted, err := ad.stored(m)
	if err != nil {
		return fmt.Errorf("save rules: %w", err)
	}
	err = ad.a.run.InTx(ad.ctx, func(ctx context.Context) error {
		rows, err := ad.a.client.Rule.Query().Where(ad.within()...).All(ctx)
		if err != nil {
			return err
		}
		var surplus []uuid.UUID
		for _, row := range rows {
			if r, ok := fromRow(row); ok && wanted[r] {
				delete(wanted, r)
			} else {
				surplus = append(surplus, row.ID)
			}
		}
		for ids := range slices.Chunk(surplus, batchSize) {
			if err := ad.a.remove(ctx, entrule.IDIn(ids...)); err != nil {
				return err
			}
		}
		return ad.a.insert(ctx, slices.Collect(maps.Keys(wanted)))
	})
	if err != nil {
		return fmt.Errorf("save rules: %w", err)
	}
	return nil
}

// stored are the rules of m, without those that the modules declare.
func (ad *Adapter) stored(m model.Model) (map[rule]bool, error) {
	rules := map[rule]bool{}
	for _, section := range []string{permissionRule, grantRule} {
		for ptype, assertion := range m[section] {
			for _, values := range assertion.Policy {
				if ad.a.vocabulary.derives(ptype, values) {
					continue
				}
				r, err := ad.parse(ptype, values)
				if err != nil {
					return nil, err
				}
				rules[r] = true
			}
		}
	}
	return rules, nil
}

// parse refuses what may not be stored through this adapter.
func (ad *Adapter) parse(ptype string, values []string) (rule, error) {
	r, err := parseRule(ptype, values)
	if err == nil && ad.filtered && !slices.Contains(ad.tenants, r.tenant) {
		err = fmt.Errorf("rule %s %q: its tenant was not loaded", ptype, values)
	}
	return r, err
}
