package authz

import (
	"context"
	"fmt"

	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
)

// AddPolicy stores one rule.
func (ad *Adapter) AddPolicy(sec, ptype string, values []string) error {
	return ad.AddPolicies(sec, ptype, [][]string{values})
}

// AddPolicies stores several rules, or none.
func (ad *Adapter) AddPolicies(_, ptype string, rules [][]string) error {
	return ad.replace(ptype, nil, rules)
}

// RemovePolicy deletes one rule; it is no error when it is not there.
func (ad *Adapter) RemovePolicy(sec, ptype string, values []string) error {
	return ad.RemovePolicies(sec, ptype, [][]string{values})
}

// RemovePolicies deletes several rules, or none.
func (ad *Adapter) RemovePolicies(_, ptype string, rules [][]string) error {
	return ad.replace(ptype, rules, nil)
}

// UpdatePolicy replaces one rule by another.
func (ad *Adapter) UpdatePolicy(_, ptype string, before, after []string) error {
	return ad.replace(ptype, [][]string{before}, [][]string{after})
}

// UpdatePolicies replaces several rules, or none.
func (ad *Adapter) UpdatePolicies(_, ptype string, before, after [][]string) error {
	return ad.replace(ptype, before, after)
}

// RemoveFilteredPolicy deletes the rules whose values from index first on are these; an empty one matches any.
func (ad *Adapter) RemoveFilteredPolicy(sec, ptype string, first int, values ...string) error {
	_, err := ad.UpdateFilteredPolicies(sec, ptype, nil, first, values...)
	return err
}

// UpdateFilteredPolicies replaces the rules that RemoveFilteredPolicy would delete and returns them.
func (ad *Adapter) UpdateFilteredPolicies(
	_, ptype string, after [][]string, first int, values ...string,
) (before [][]string, err error) {
	match, err := ad.matching(ptype, first, values)
	if err != nil {
		return nil, err
	}
	err = ad.a.run.InTx(ad.ctx, func(ctx context.Context) error {
		rows, err := ad.a.client.Rule.Query().Where(match...).Order(entrule.ByID()).All(ctx)
		if err != nil {
			return err
		}
		before = make([][]string, 0, len(rows))
		for _, row := range rows {
			values := []string{row.V0, row.V1, row.V2}
			if ptype == permissionRule {
				values = append(values, row.V3)
			}
			before = append(before, values)
		}
		if err := ad.a.remove(ctx, match...); err != nil {
			return err
		}
		return ad.add(ctx, ptype, after)
	})
	if err != nil {
		return nil, fmt.Errorf("replace the rules %s with %q: %w", ptype, values, err)
	}
	return before, nil
}

func (ad *Adapter) replace(ptype string, before, after [][]string) error {
	err := ad.a.run.InTx(ad.ctx, func(ctx context.Context) error {
		for _, values := range before {
			if len(values) > len(columns) {
				return fmt.Errorf("rule %s %q: it has more than %d values", ptype, values, len(columns))
			}
			if err := ad.a.remove(ctx, ad.within(exactly(ptype, values)...)...); err != nil {
				return err
			}
		}
		return ad.add(ctx, ptype, after)
	})
	if err != nil {
		return fmt.Errorf("replace %d rules by %d: %w", len(before), len(after), err)
	}
	return nil
}

func (ad *Adapter) add(ctx context.Context, ptype string, policies [][]string) error {
	rules := make([]rule, 0, len(policies))
	for _, values := range policies {
		r, err := ad.parse(ptype, values)
		if err != nil {
			return err
		}
		rules = append(rules, r)
	}
	return ad.a.insert(ctx, rules)
}

var columns = []func(string) predicate.Rule{entrule.V0, entrule.V1, entrule.V2, entrule.V3, entrule.V4, entrule.V5}

// exactly selects the row that has these values and no others.
func exactly(ptype string, values []string) []predicate.Rule {
	match := []predicate.Rule{entrule.Ptype(ptype)}
	for i, column := range columns {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		match = append(match, column(value))
	}
	return match
}

// matching selects by value only, so that also a row that is no rule can be deleted.
func (ad *Adapter) matching(ptype string, first int, values []string) ([]predicate.Rule, error) {
	if first < 0 || first+len(values) > len(columns) {
		return nil, fmt.Errorf("rule %s %q from %d: it has only %d values", ptype, values, first, len(columns))
	}
	match := []predicate.Rule{entrule.Ptype(ptype)}
	for i, value := range values {
		if value != "" {
			match = append(match, columns[first+i](value))
		}
	}
	return ad.within(match...), nil
}
