package authz

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// Explain implements authz.Explainer.
func (a *Authorizer) Explain(ctx context.Context, q authz.Question) (authz.Explanation, error) {
	t, ok := tenant.FromContext(ctx)
	if !ok {
		return authz.Explanation{}, tenant.ErrMissing
	}
	if _, declared := a.vocabulary.index[q.Permission]; !declared {
		return authz.Explanation{}, authz.ErrPermissionUnknown.Detailf("No module declares the permission %q.", string(q.Permission))
	}
	rules, err := a.rulesOf(ctx, t, q.User)
	if err != nil {
		return authz.Explanation{}, fmt.Errorf("explain in tenant %s: %w", t, err)
	}
	e := authz.Explanation{Verdict: authz.VerdictNoRole}
	for _, r := range rules {
		if r.ptype == grantRule {
			e.Roles = append(e.Roles, r.role)
			e.Verdict = authz.VerdictNotGranted
		}
	}
	slices.Sort(e.Roles)
	facts := perm.Facts{Caller: q.User, Now: a.now(), Attributes: q.Attributes}
	for _, values := range a.reaching(rules, e.Roles, q.Permission) {
		c, err := perm.ParseCondition(values[3])
		if err != nil {
			return e, fmt.Errorf("explain in tenant %s: %w", t, err)
		}
		reason := authz.Reason{
			Role: values[0], BuiltIn: isBuiltIn(values[0]), Rule: values[2], When: values[3], Failed: c.Failed(facts),
		}
		e.Rules = append(e.Rules, reason)
		e.Allowed = e.Allowed || len(reason.Failed) == 0
		e.Verdict = authz.VerdictConditionFailed
	}
	if e.Allowed {
		e.Verdict = authz.VerdictGranted
	}
	slices.SortFunc(e.Rules, func(x, y authz.Reason) int {
		return cmp.Or(cmp.Compare(x.Role, y.Role), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.When, y.When))
	})
	return e, nil
}

// reaching are the rules of roles that reach p, those of the built-in roles included, as casbin writes them.
func (a *Authorizer) reaching(rules []rule, roles []string, p perm.Permission) [][]string {
	all := a.vocabulary.derived()
	for _, r := range rules {
		if r.ptype == permissionRule {
			all = append(all, r.values())
		}
	}
	return slices.DeleteFunc(all, func(v []string) bool {
		return !slices.Contains(roles, v[0]) || !a.vocabulary.holds(v[0], v[1], v[2], v[3], p)
	})
}
