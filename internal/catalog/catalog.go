// Package catalog knows which modules are there, which of them are switched on, and what each of them owns.
package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
)

// Catalog is the platform itself, called core, and the enabled modules in the order of their dependencies.
type Catalog struct {
	core    module.Manifest
	entries []entry
}

// entry is a module and what it says about itself.
type entry struct {
	module.IModule
	manifest module.Manifest
}

// New reads every manifest, core being that of the platform itself, and leaves out the disabled modules. It reports
// all faults at once: names, paths and permissions that two claim (disabled ones included, so that switching one on
// is always possible), unknown or indispensable names in disabled, and dependencies that are missing or go in circles.
func New(core []byte, modules []module.IModule, disabled []string) (*Catalog, error) {
	own, err := module.ParseManifest(core)
	if err != nil {
		return nil, fmt.Errorf("the platform's own %w", err)
	}
	entries, err := read(modules)
	if err != nil {
		return nil, err
	}
	all := []module.Manifest{own}
	for _, e := range entries {
		all = append(all, e.manifest)
	}
	if err := errors.Join(conflicts(all), dispensable(all, disabled)); err != nil {
		return nil, err
	}
	enabled := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return slices.Contains(disabled, e.manifest.Name) })
	if err := satisfied(own, entries, enabled); err != nil {
		return nil, err
	}
	ordered, err := order(enabled)
	if err != nil {
		return nil, err
	}
	return &Catalog{core: own, entries: ordered}, nil
}

// read parses the manifests and sorts by name.
func read(modules []module.IModule) ([]entry, error) {
	var entries []entry
	var errs []error
	for _, m := range modules {
		manifest, err := module.ParseManifest(m.Manifest())
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("module %q: %w", m.Name(), err))
		case manifest.Name != m.Name():
			errs = append(errs, fmt.Errorf("module %q calls itself %q in its module.yaml", m.Name(), manifest.Name))
		}
		entries = append(entries, entry{IModule: m, manifest: manifest})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, errors.Join(errs...)
}

// Modules returns the enabled modules, each after those it depends on.
func (c *Catalog) Modules() []module.IModule {
	modules := make([]module.IModule, len(c.entries))
	for i, e := range c.entries {
		modules[i] = e.IModule
	}
	return modules
}

// Manifests returns core's manifest and then those of Modules, in the same order.
func (c *Catalog) Manifests() []module.Manifest {
	manifests := []module.Manifest{c.core}
	for _, e := range c.entries {
		manifests = append(manifests, e.manifest)
	}
	return manifests
}

// Permissions returns what core and the enabled modules declare, sorted by name.
func (c *Catalog) Permissions() []perm.Definition {
	var all []perm.Definition
	for _, m := range c.Manifests() {
		all = append(all, m.Permissions...)
	}
	slices.SortFunc(all, func(a, b perm.Definition) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Owner returns who owns a path: core, or the enabled module with the longest prefix of it.
func (c *Catalog) Owner(path string) (name string, ok bool) {
	longest := ""
	for _, m := range c.Manifests() {
		for _, prefix := range m.Prefixes {
			if within(path, prefix) && len(prefix) > len(longest) {
				name, longest = m.Name, prefix
			}
		}
	}
	return name, longest != ""
}

// within compares whole segments: /api/v1/blogs is not within /api/v1/blog.
func within(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
