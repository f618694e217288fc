package authz

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// The kinds of rule, as casbin names them.
const (
	grantRule      = "g" // g, <user>, <role>, <tenant>
	permissionRule = "p" // p, <role>, <tenant>, <permission or wildcard>, <condition or nothing>
)

// everyTenant is the domain of what the built-in roles hold.
const everyTenant = "*"

var patternFormat = regexp.MustCompile(
	`^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\.\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2})$`)

// rule is one that may be stored. What cannot become a rule grants nothing, whatever the table says.
type rule struct {
	ptype   string
	tenant  uuid.UUID
	user    uuid.UUID // of a grant
	role    string
	pattern string // of a permission
	when    string // its condition in the canonical form; empty without one
}

// parseRule reads a casbin rule. Users and tenants must be spelled in the canonical form and roles cannot look like a
// user, so that a grant is never a step in a chain of roles. A permission without a condition may leave out its column.
func parseRule(ptype string, values []string) (rule, error) {
	r := rule{ptype: ptype}
	if ptype == permissionRule && len(values) == 4 {
		c, err := perm.ParseCondition(values[3])
		if err == nil && c.String() != values[3] {
			err = fmt.Errorf("the condition is to be spelled %q", c)
		}
		if err != nil {
			return r, fmt.Errorf("rule p %q: %w", values, err)
		}
		r.when, values = values[3], values[:3]
	}
	if len(values) != 3 {
		return r, fmt.Errorf("rule %s %q: it has %d values instead of 3", ptype, values, len(values))
	}
	var domain string
	switch ptype {
	case grantRule:
		user, ok := parseID(values[0])
		if !ok {
			return r, fmt.Errorf("rule g %q: the user is not a canonical UUID", values)
		}
		r.user, r.role, domain = user, values[1], values[2]
	case permissionRule:
		r.role, domain, r.pattern = values[0], values[1], values[2]
		if isBuiltIn(r.role) {
			return r, fmt.Errorf("rule p %q: what the built-in role holds is declared by the modules", values)
		}
		if !patternFormat.MatchString(r.pattern) {
			return r, fmt.Errorf("rule p %q: the permission is neither module.resource.action nor a wildcard", values)
		}
	default:
		return r, fmt.Errorf("rule %s %q: its kind is neither p nor g", ptype, values)
	}
	if !isRoleName(r.role) {
		return r, fmt.Errorf("rule %s %q: the role is not a name of letters, digits, spaces, dots, dashes and underscores", ptype, values)
	}
	var ok bool
	if r.tenant, ok = parseID(domain); !ok {
		return r, fmt.Errorf("rule %s %q: the tenant is not a canonical UUID", ptype, values)
	}
	return r, nil
}

// fromRow reports ok = false for a row that is no rule of its tenant.
func fromRow(row *ent.Rule) (rule, bool) {
	values := []string{row.V0, row.V1, row.V2}
	if row.V3 != "" {
		values = append(values, row.V3)
	}
	r, err := parseRule(row.Ptype, values)
	return r, err == nil && r.tenant == row.TenantID && row.V4 == "" && row.V5 == ""
}

// values are the rule's as casbin writes them.
func (r rule) values() []string {
	if r.ptype == grantRule {
		return []string{r.user.String(), r.role, r.tenant.String()}
	}
	return []string{r.role, r.tenant.String(), r.pattern, r.when}
}

func parseID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && id != uuid.Nil && id.String() == s
}

var roleFormat = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9 _.-]{0,61}[A-Za-z0-9])?$`)

// isRoleName refuses what looks like a user, and what people could take for a built-in role.
func isRoleName(s string) bool {
	if lower := strings.ToLower(s); !roleFormat.MatchString(s) || lower != s && isBuiltIn(lower) {
		return false
	}
	return uuid.Validate(s) != nil
}

func isBuiltIn(role string) bool {
	switch role {
	case authz.Owner, authz.Admin, authz.Member, authz.Viewer, authz.PlatformAdmin:
		return true
	}
	return false
}
