package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
)

// conflicts finds what two of all claim.
func conflicts(all []module.Manifest) error {
	var errs []error
	names := map[string]bool{}
	permissions := map[perm.Permission]string{}
	words := claimed{}
	for i, m := range all {
		if names[m.Name] {
			errs = append(errs, fmt.Errorf("two modules are called %q", m.Name))
			continue
		}
		names[m.Name] = true
		for _, p := range m.Permissions {
			if owner, taken := permissions[p.Name]; taken {
				errs = append(errs, fmt.Errorf("permission %q is declared by %s and by %s", p.Name, owner, m.Name))
			}
			permissions[p.Name] = m.Name
		}
		errs = append(errs, words.claim(m)...)
		for _, other := range all[:i] {
			errs = append(errs, overlap(other, m))
		}
	}
	return errors.Join(errs...)
}

// overlap finds what both own. Within a path of another, a module may own one when it depends on that module: the two are
// made to fit, and the longer path counts.
func overlap(a, b module.Manifest) error {
	if a.Name == b.Name {
		return nil
	}
	var errs []error
	for _, p := range a.Prefixes {
		for _, q := range b.Prefixes {
			switch {
			case p == q:
				errs = append(errs, fmt.Errorf("path %s is owned by %s and by %s", p, a.Name, b.Name))
			case within(q, p) && !dependsOn(b, a):
				errs = append(errs, fmt.Errorf("path %s of %s lies within %s of %s", q, b.Name, p, a.Name))
			case within(p, q) && !dependsOn(a, b):
				errs = append(errs, fmt.Errorf("path %s of %s lies within %s of %s", p, a.Name, q, b.Name))
			}
		}
	}
	return errors.Join(errs...)
}

func dependsOn(m, other module.Manifest) bool {
	return slices.ContainsFunc(m.Dependencies, func(d module.Dependency) bool { return d.Name == other.Name && other.Kind != "core" })
}

// dispensable refuses to disable what is not there and what the platform cannot do without.
func dispensable(all []module.Manifest, disabled []string) error {
	var errs []error
	for _, name := range disabled {
		i := slices.IndexFunc(all, func(m module.Manifest) bool { return m.Name == name })
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("modules.disabled: there is no module called %q", name))
		case all[i].Kind != "feature":
			errs = append(errs, fmt.Errorf("modules.disabled: %s is part of the platform and cannot be disabled", name))
		}
	}
	return errors.Join(errs...)
}

// satisfied checks the dependencies of the enabled modules; all tells a disabled one from one that is not there.
func satisfied(core module.Manifest, all, enabled []entry) error {
	known, versions := map[string]bool{}, map[string]string{core.Name: core.Version}
	for _, e := range all {
		known[e.manifest.Name] = true
	}
	for _, e := range enabled {
		versions[e.manifest.Name] = e.manifest.Version
	}
	var errs []error
	for _, e := range enabled {
		for _, need := range e.manifest.Dependencies {
			version, there := versions[need.Name]
			if !there {
				state := "missing"
				if known[need.Name] {
					state = "disabled"
				}
				errs = append(errs, fmt.Errorf("%s needs %s, which is %s", e.manifest.Name, need, state))
				continue
			}
			if ok, err := need.Accepts(version); err != nil || !ok {
				errs = append(errs, err, fmt.Errorf("%s needs %s, which has version %s", e.manifest.Name, need, version))
			}
		}
	}
	return errors.Join(errs...)
}

// order puts every entry after its dependencies and otherwise keeps the entries' order, which is by name.
func order(entries []entry) ([]entry, error) {
	byName := map[string]entry{}
	for _, e := range entries {
		byName[e.manifest.Name] = e
	}
	var ordered []entry
	done := map[string]bool{}
	for len(ordered) < len(entries) {
		next := slices.IndexFunc(entries, func(e entry) bool {
			return !done[e.manifest.Name] && len(waiting(e, byName, done)) == 0
		})
		if next < 0 {
			return nil, fmt.Errorf("modules depend on each other in a circle: %s", circle(entries, byName, done))
		}
		ordered = append(ordered, entries[next])
		done[entries[next].manifest.Name] = true
	}
	return ordered, nil
}

// waiting lists the dependencies of e that are not done, sorted.
func waiting(e entry, byName map[string]entry, done map[string]bool) []string {
	var names []string
	for _, need := range e.manifest.Dependencies {
		if _, enabled := byName[need.Name]; enabled && !done[need.Name] {
			names = append(names, need.Name)
		}
	}
	slices.Sort(names)
	return names
}

// circle follows what is not done: every such module waits for another, so that the way comes back to itself.
func circle(entries []entry, byName map[string]entry, done map[string]bool) string {
	start := slices.IndexFunc(entries, func(e entry) bool { return !done[e.manifest.Name] })
	path := []string{entries[start].manifest.Name}
	for {
		next := waiting(byName[path[len(path)-1]], byName, done)[0]
		if i := slices.Index(path, next); i >= 0 {
			return strings.Join(append(path[i:], next), " → ")
		}
		path = append(path, next)
	}
}
