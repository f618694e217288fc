package authz

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	defaultrolemanager "github.com/casbin/casbin/v2/rbac/default-role-manager"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
)

//go:embed model.conf
var modelConf string

// Enforcer returns a casbin enforcer over the stored rules and those of the built-in roles; with tenants, over theirs
// only. It answers as Authorize does, by walking every rule: it is for import, export, editing and tests. What it
// changes is stored in the transaction of ctx, as with Adapter.
func (a *Authorizer) Enforcer(ctx context.Context, tenants ...uuid.UUID) (*casbin.Enforcer, error) {
	e, err := newEnforcer(a.vocabulary)
	if err != nil {
		return nil, err
	}
	e.SetAdapter(a.Adapter(ctx))
	if len(tenants) == 0 {
		err = e.LoadPolicy()
	} else {
		err = e.LoadFilteredPolicy(tenants)
	}
	if err != nil {
		return nil, fmt.Errorf("load the casbin policy: %w", err)
	}
	return e, nil
}

// newEnforcer knows the model and the permissions, and no rules.
func newEnforcer(v *vocabulary) (*casbin.Enforcer, error) {
	m, err := model.NewModelFromString(modelConf)
	if err != nil {
		return nil, fmt.Errorf("read the casbin model: %w", err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make the casbin enforcer: %w", err)
	}
	// One level: a user has roles, and a role has no roles.
	e.SetNamedRoleManager(grantRule, defaultrolemanager.NewRoleManager(1))
	e.AddFunction("holds", func(args ...any) (any, error) {
		if len(args) != 4 {
			return false, fmt.Errorf("holds takes 4 arguments, not %d", len(args))
		}
		var s [4]string
		for i, arg := range args {
			s[i], _ = arg.(string)
		}
		return v.holds(s[0], s[1], s[2], perm.Permission(s[3])), nil
	})
	return e, nil
}

// holds tells whether the policy (role, domain, pattern) is one that counts and reaches p. It is written apart from
// the compiled evaluator, which is tested against it.
func (v *vocabulary) holds(role, domain, pattern string, p perm.Permission) bool {
	i, declared := v.index[p]
	if !declared {
		return false
	}
	d := v.definitions[i]
	switch {
	case isBuiltIn(role):
		return domain == everyTenant && pattern == string(p) && slices.Contains(d.Roles, role)
	case domain == everyTenant || !isRoleName(role):
		return false
	case pattern == string(p):
		return true
	case isOperator(d):
		return false
	case pattern == "*":
		return true
	}
	prefix, wildcard := strings.CutSuffix(pattern, ".*")
	return wildcard && strings.HasPrefix(string(p), prefix+".")
}

// derived are the rules of the built-in roles, which are never stored.
func (v *vocabulary) derived() [][]string {
	var rules [][]string
	for _, d := range v.definitions {
		for _, role := range d.Roles {
			rules = append(rules, []string{role, everyTenant, string(d.Name)})
		}
	}
	return rules
}

// derives tells whether a rule is one of them.
func (v *vocabulary) derives(ptype string, values []string) bool {
	return ptype == permissionRule && len(values) == 3 && values[1] == everyTenant && isBuiltIn(values[0]) &&
		v.holds(values[0], everyTenant, values[2], perm.Permission(values[2]))
}
