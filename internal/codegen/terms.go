package codegen

import (
	"fmt"
	"path/filepath"
	"strings"
)

// terms writes constants for the features, units and kinds that module.yaml declares, so that a misspelt one does not
// compile. The platform's own are in pkg/.
func terms(dir string, s source) error {
	m := s.manifest
	if m.Kind == "core" || len(m.Entitlements)+len(m.Units)+len(m.Policies) == 0 {
		return nil
	}
	var imports, groups strings.Builder
	group := func(pkg, comment string, names ...string) {
		if len(names) == 0 {
			return
		}
		fmt.Fprintf(&imports, "\t%q\n", root+"/pkg/"+pkg)
		fmt.Fprintf(&groups, "\n// %s\nconst (\n%s)\n", comment, strings.Join(names, ""))
	}
	var features, units, kinds []string
	for _, e := range m.Entitlements {
		_, rest, _ := strings.Cut(string(e.Name), ".")
		features = append(features, fmt.Sprintf("\tEnt%s entitlement.Name = %q // %s\n", camel(rest), e.Name, e.Description))
	}
	for _, k := range m.Policies {
		kinds = append(kinds, fmt.Sprintf("\tKind%s policy.Kind = %q // %s\n", camel(string(k.Name)), k.Name, k.Description))
	}
	for _, u := range m.Units {
		units = append(units, fmt.Sprintf("\tUnit%s quota.Unit = %q // %s\n", camel(string(u.Name)), u.Name, u.Description))
	}
	group("entitlement", "The features that a plan may grant.", features...)
	group("policy", "The kinds of things that tenants may be allowed.", kinds...)
	group("quota", "What quotas count.", units...)
	pkg := m.Name + "api"
	text := fmt.Sprintf("%spackage %s\n\nimport (\n%s)\n%s", header, pkg, imports.String(), groups.String())
	return write(dir, filepath.Join(s.dir, pkg, "terms.gen.go"), []byte(text))
}
