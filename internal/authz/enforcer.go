package authz

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	defaultrolemanager "github.com/casbin/casbin/v2/rbac/default-role-manager"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

//go:embed model.conf
var modelConf string

// Enforcer returns a casbin enforcer over the stored rules and those of the built-in roles; with tenants, over theirs
// only. It answers as AuthorizeResource does, by walking every rule: it is for editing and tests, and takes a
// user, a tenant, a permission and a Resource. What it
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
		s, err := texts("holds", args, 5)
		if err != nil {
			return false, err
		}
		return v.holds(s[0], s[1], s[2], s[3], perm.Permission(s[4])), nil
	})
	e.AddFunction("meets", func(args ...any) (any, error) {
		s, err := texts("meets", args, 3)
		if err != nil {
			return false, err
		}
		resource, ok := args[2].(Resource)
		if !ok {
			return false, fmt.Errorf("meets takes a Resource, not a %T", args[2])
		}
		return meets(s[0], s[1], resource), nil
	})
	return e, nil
}

// Resource is what casbin is asked about as res: the attributes of a resource, if there is one, and the time.
type Resource struct {
	Attributes authz.Attributes
	Now        time.Time
}

// texts are the arguments of a function; those that are no text are empty.
func texts(name string, args []any, n int) ([]string, error) {
	if len(args) != n {
		return nil, fmt.Errorf("%s takes %d arguments, not %d", name, n, len(args))
	}
	s := make([]string, n)
	for i, arg := range args {
		s[i], _ = arg.(string)
	}
	return s, nil
}

// holds tells whether the policy (role, domain, pattern, when) is one that counts and reaches p. It is written apart
// from the compiled evaluator, which is tested against it.
func (v *vocabulary) holds(role, domain, pattern, when string, p perm.Permission) bool {
	i, declared := v.index[p]
	if !declared {
		return false
	}
	d := v.definitions[i]
	switch {
	case isBuiltIn(role) && when != "":
		return domain == everyTenant && pattern == string(p) && slices.ContainsFunc(d.Conditional, func(h perm.Holder) bool {
			c, err := perm.ParseCondition(h.When)
			return h.Role == role && err == nil && c.String() == when
		})
	case isBuiltIn(role):
		return domain == everyTenant && pattern == string(p) && slices.Contains(d.Roles, role)
	case domain == everyTenant || !isRoleName(role) || isOperator(d):
		return false
	case pattern == string(p), pattern == "*":
		return true
	}
	prefix, wildcard := strings.CutSuffix(pattern, ".*")
	return wildcard && strings.HasPrefix(string(p), prefix+".")
}

// meets holds the condition of a policy against a resource. One that is not in the canonical form is never met.
func meets(when, user string, r Resource) bool {
	c, err := perm.ParseCondition(when)
	if err != nil || c.String() != when {
		return false
	}
	caller, _ := parseID(user)
	return c.Holds(perm.Facts{Caller: caller, Now: r.Now, Attributes: r.Attributes})
}

// derived are the rules of the built-in roles, which are never stored.
func (v *vocabulary) derived() [][]string {
	var rules [][]string
	for _, d := range v.definitions {
		for _, role := range d.Roles {
			rules = append(rules, []string{role, everyTenant, string(d.Name), ""})
		}
		for _, h := range d.Conditional {
			if c, err := perm.ParseCondition(h.When); err == nil {
				rules = append(rules, []string{h.Role, everyTenant, string(d.Name), c.String()})
			}
		}
	}
	return rules
}

// derives tells whether a rule is one of them.
func (v *vocabulary) derives(ptype string, values []string) bool {
	if ptype != permissionRule || len(values) < 3 || len(values) > 4 || values[1] != everyTenant || !isBuiltIn(values[0]) {
		return false
	}
	when := ""
	if len(values) == 4 {
		when = values[3]
	}
	return v.holds(values[0], everyTenant, values[2], when, perm.Permission(values[2]))
}
