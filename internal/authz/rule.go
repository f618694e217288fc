package authz

import (
	"fmt"
	"regexp"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/pkg/authz"
)

// The kinds of rule, as casbin names them.
const (
	grantRule      = "g" // g, <user>, <role>, <tenant>
	permissionRule = "p" // p, <role>, <tenant>, <permission or wildcard>
)

// everyTenant is the domain of what the built-in roles hold.
const everyTenant = "*"

const maxRoleLength = 63

var patternFormat = regexp.MustCompile(
	`^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\.\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2})$`)

// rule is one that may be stored. What cannot become a rule grants nothing, whatever the table says.
type rule struct {
	ptype   string
	tenant  uuid.UUID
	user    uuid.UUID // of a grant
	role    string
	pattern string // of a permission
}

// parseRule reads a casbin rule. Users and tenants must be spelled in the canonical form and roles cannot look like a
// user, so that a grant is never a step in a chain of roles.
func parseRule(ptype string, values []string) (rule, error) {
	r := rule{ptype: ptype}
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
		return r, fmt.Errorf("rule %s %q: the role is not a name of lower case letters, digits and underscores", ptype, values)
	}
	var ok bool
	if r.tenant, ok = parseID(domain); !ok {
		return r, fmt.Errorf("rule %s %q: the tenant is not a canonical UUID", ptype, values)
	}
	return r, nil
}

// fromRow reports ok = false for a row that is no rule of its tenant.
func fromRow(row *ent.Rule) (rule, bool) {
	if row.V3 != "" || row.V4 != "" || row.V5 != "" {
		return rule{}, false
	}
	r, err := parseRule(row.Ptype, []string{row.V0, row.V1, row.V2})
	return r, err == nil && r.tenant == row.TenantID
}

// values are the rule's as casbin writes them.
func (r rule) values() []string {
	if r.ptype == grantRule {
		return []string{r.user.String(), r.role, r.tenant.String()}
	}
	return []string{r.role, r.tenant.String(), r.pattern}
}

func parseID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && id != uuid.Nil && id.String() == s
}

func isRoleName(s string) bool {
	if s == "" || len(s) > maxRoleLength || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func isBuiltIn(role string) bool {
	switch role {
	case authz.Owner, authz.Admin, authz.Member, authz.Viewer, authz.PlatformAdmin:
		return true
	}
	return false
}
