package module

import (
	"fmt"
	"strings"
)

// terms finds what is wrong with what the module declares for plans, quotas and policies.
func (m Manifest) terms() []error {
	var errs []error
	seen := map[string]bool{}
	check := func(what, name, description string, valid bool, form string) {
		switch {
		case !valid:
			errs = append(errs, fmt.Errorf("%s %q is not %s", what, name, form))
		case seen[what+name]:
			errs = append(errs, fmt.Errorf("%s %q is declared twice", what, name))
		case description == "":
			errs = append(errs, fmt.Errorf("%s %q has no description", what, name))
		}
		seen[what+name] = true
	}
	for _, e := range m.Entitlements {
		own := e.Name.Valid() && strings.HasPrefix(string(e.Name), m.Namespace+".")
		check("entitlement", string(e.Name), e.Description, own, "<module>.<feature> within the namespace "+m.Namespace)
	}
	const word = "a word of lower case letters, digits and underscores"
	for _, u := range m.Units {
		check("unit", string(u.Name), u.Description, u.Name.Valid(), word)
	}
	for _, k := range m.Policies {
		check("policy", string(k.Name), k.Description, k.Name.Valid(), word)
		if k.Default != "" && k.Default != "deny" && k.Default != "allow" {
			errs = append(errs, fmt.Errorf("policy %q: default can only be deny or allow", k.Name))
		}
	}
	return errs
}
