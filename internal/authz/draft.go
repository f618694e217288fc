package authz

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

const (
	maxDescription = 500 // characters
	maxGrants      = 1000
)

// checkText says what is wrong with the words of a draft.
func checkText(draft authz.RoleDraft) error {
	if isBuiltIn(strings.ToLower(draft.Name)) {
		return authz.ErrRoleNameTaken.Detailf("It is the name of a built-in role.")
	}
	var bad []problem.Field
	if !isRoleName(draft.Name) {
		bad = append(bad, problem.Field{
			Field: "name", Code: "invalid",
			Message: "must be up to 63 letters, digits, spaces, dots, dashes and underscores, beginning with a letter and ending with a letter or digit",
		})
	}
	if !utf8.ValidString(draft.Description) || utf8.RuneCountInString(draft.Description) > maxDescription ||
		strings.ContainsFunc(draft.Description, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }) {
		bad = append(bad, problem.Field{
			Field: "description", Code: "invalid", Message: "must be up to 500 characters without control characters",
		})
	}
	if len(draft.Permissions)+len(draft.Conditional) > maxGrants {
		bad = append(bad, problem.Field{Field: "permissions", Code: "too_many", Message: "are more than 1000"})
	}
	if len(bad) > 0 {
		return authz.ErrRoleInvalid.With(bad...)
	}
	return nil
}

// grants returns what would be held, each once and in the canonical form, or says what cannot be. Whether the caller
// may give it is another question, except for what nobody may give.
func (v *vocabulary) grants(permissions []string, conditional []authz.Grant) ([]authz.Grant, error) {
	var grants []authz.Grant
	keep := func(g authz.Grant) {
		if !slices.Contains(grants, g) {
			grants = append(grants, g)
		}
	}
	for i, p := range permissions {
		if err := v.givable(p, "permissions."+strconv.Itoa(i)); err != nil {
			return nil, err
		}
		keep(authz.Grant{Permission: p})
	}
	for i, g := range conditional {
		field := "conditional." + strconv.Itoa(i)
		if err := v.givable(g.Permission, field+".permission"); err != nil {
			return nil, err
		}
		c, err := v.condition(g)
		if err != nil {
			return nil, err.With(problem.Field{Field: field + ".when", Code: "invalid", Message: "is no condition that can be held against this permission"})
		}
		keep(authz.Grant{Permission: g.Permission, When: c.String()})
	}
	return grants, nil
}

// givable refuses what no module declares, what grants nothing, and what is the operator's alone.
func (v *vocabulary) givable(pattern, field string) error {
	if i, ok := v.index[perm.Permission(pattern)]; ok && v.operator.has(i) {
		return authz.ErrNotHeld.Detailf("The permission %q is the operator's alone.", pattern)
	}
	if !patternFormat.MatchString(pattern) || len(v.reach(pattern)) == 0 {
		return authz.ErrPermissionUnknown.Detailf("No module declares the permission %q.", pattern).
			With(problem.Field{Field: field, Code: "unknown", Message: "is neither a permission nor a wildcard for any"})
	}
	return nil
}

// condition reads one that can become true for something that the permission or wildcard reaches.
func (v *vocabulary) condition(g authz.Grant) (perm.Condition, *problem.Problem) {
	c, err := perm.ParseCondition(g.When)
	if err != nil {
		return c, authz.ErrConditionInvalid.Detailf("It cannot be read: %v.", err)
	}
	if c.IsZero() {
		return c, authz.ErrConditionInvalid.Detailf("It is empty.")
	}
	for _, i := range v.reach(g.Permission) {
		if fits(c, v.definitions[i]) {
			return c, nil
		}
	}
	return c, authz.ErrConditionInvalid.Detailf("The permission %q has no such attribute: %s.", g.Permission, strings.Join(c.Attributes(), ", "))
}

func fits(c perm.Condition, d perm.Definition) bool {
	return !slices.ContainsFunc(c.Attributes(), func(name string) bool { return !slices.Contains(d.Attributes, name) })
}
