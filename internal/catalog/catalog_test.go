package catalog_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/system"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
)

// fake is a module that is nothing but its manifest.
type fake struct {
	module.IModule
	name     string
	manifest []byte
}

func (f fake) Name() string     { return f.name }
func (f fake) Manifest() []byte { return f.manifest }

// spec is a manifest to write; kind and version have defaults.
type spec struct {
	Name         string            `yaml:"name"`
	Version      string            `yaml:"version"`
	Kind         string            `yaml:"kind,omitempty"`
	Description  string            `yaml:"description"`
	Namespace    string            `yaml:"namespace,omitempty"`
	Dependencies []string          `yaml:"dependencies,omitempty"`
	Prefixes     []string          `yaml:"prefixes,omitempty"`
	Permissions  []perm.Definition `yaml:"permissions,omitempty"`
}

type fatal interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

func modules(t fatal, specs ...spec) []module.IModule {
	t.Helper()
	var all []module.IModule
	for _, s := range specs {
		if s.Version == "" {
			s.Version = "1.0.0"
		}
		s.Description = "A module."
		manifest, err := yaml.Marshal(s)
		require.NoError(t, err)
		all = append(all, fake{name: s.Name, manifest: manifest})
	}
	return all
}

func names(c *catalog.Catalog) []string {
	all := []string{}
	for _, m := range c.Modules() {
		all = append(all, m.Name())
	}
	return all
}

func permission(name string) []perm.Definition {
	return []perm.Definition{{Name: perm.Permission(name), Description: "Do it.", Roles: []string{"owner"}}}
}

func TestACatalogKnowsWhatIsEnabled(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(system.Manifest(), modules(t,
		spec{Name: "wiki", Prefixes: []string{"/api/v1/wiki"}, Permissions: permission("wiki.page.read")},
		spec{Name: "blog", Dependencies: []string{"core >= 1.0.0", "identity >= 1.0.0"}, Prefixes: []string{"/api/v1/blog"}, Permissions: permission("blog.post.read")},
		spec{Name: "identity", Kind: "platform", Prefixes: []string{"/api/v1/me", "/api/v1/me/keys"}, Permissions: permission("identity.user.read")},
		spec{Name: "audit", Kind: "platform", Dependencies: []string{"identity"}},
	), []string{"wiki"})
	require.NoError(t, err)

	require.Equal(t, []string{"identity", "audit", "blog"}, names(c))
	manifests := c.Manifests()
	require.Len(t, manifests, 4)
	require.Equal(t, "core", manifests[0].Name)
	require.Equal(t, "identity", manifests[1].Name)

	var permissions []perm.Permission
	for _, p := range c.Permissions() {
		permissions = append(permissions, p.Name)
	}
	require.Equal(t, []perm.Permission{"blog.post.read", "identity.user.read", "system.debug.change", "system.debug.read", "system.health.check"}, permissions)
}

func TestOwnerGoesByWholeSegments(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(system.Manifest(), modules(t,
		spec{Name: "blog", Prefixes: []string{"/api/v1/blog"}},
		spec{Name: "wiki", Prefixes: []string{"/api/v1/wiki"}},
	), []string{"wiki"})
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/api/v1/blog":           "blog",
		"/api/v1/blog/":          "blog",
		"/api/v1/blog/posts/1":   "blog",
		"/api/v1/blogs":          "",
		"/api/v1":                "",
		"/api/v1/wiki/pages":     "",
		"/ready":                 "core",
		"/.well-known/jwks.json": "core",
		"":                       "",
	} {
		owner, ok := c.Owner(path)
		require.Equal(t, want, owner, path)
		require.Equal(t, want != "", ok, path)
	}
}

func TestAPathWithinThatOfADependencyHasItsOwnOwner(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(system.Manifest(), modules(t,
		spec{Name: "identity", Kind: "platform", Prefixes: []string{"/api/v1/me"}},
		spec{Name: "inbox", Dependencies: []string{"identity"}, Prefixes: []string{"/api/v1/me/messages"}},
	), nil)
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/api/v1/me": "identity", "/api/v1/me/password": "identity", "/api/v1/me/messages": "inbox", "/api/v1/me/messages/1": "inbox", "/api/v1/me/messagesx": "identity",
	} {
		owner, _ := c.Owner(path)
		require.Equal(t, want, owner, path)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	identity := spec{Name: "identity", Kind: "platform", Prefixes: []string{"/api/v1/me"}}
	blog := spec{Name: "blog", Dependencies: []string{"core >= 1.0.0"}, Prefixes: []string{"/api/v1/blog"}, Permissions: permission("blog.post.read")}
	tests := map[string]struct {
		modules  []module.IModule
		disabled []string
		want     []string
	}{
		"a manifest that cannot be read": {
			modules: []module.IModule{fake{name: "blog", manifest: []byte("name: blog\nroutes: []\n")}, fake{name: "wiki"}},
			want:    []string{`module "blog": module.yaml`, "routes", `module "wiki": module.yaml`},
		},
		"a module under another name": {
			modules: []module.IModule{fake{name: "weblog", manifest: modules(t, blog)[0].Manifest()}},
			want:    []string{`module "weblog" calls itself "blog" in its module.yaml`},
		},
		"two modules of one name": {
			modules: modules(t, blog, blog),
			want:    []string{`two modules are called "blog"`},
		},
		"a module that calls itself core": {
			modules: modules(t, spec{Name: "core"}),
			want:    []string{`two modules are called "core"`},
		},
		"one path with two owners": {
			modules: modules(t, blog, spec{Name: "weblog", Prefixes: []string{"/api/v1/blog"}}),
			want:    []string{"path /api/v1/blog is owned by blog and by weblog"},
		},
		"a path within another's": {
			modules: modules(t, blog, spec{Name: "weblog", Prefixes: []string{"/api/v1/blog/archive"}}),
			want:    []string{"path /api/v1/blog/archive of weblog lies within /api/v1/blog of blog"},
		},
		"a path around another's": {
			modules: modules(t, blog, spec{Name: "weblog", Prefixes: []string{"/api"}}),
			want: []string{
				"path /api/v1/blog of blog lies within /api of weblog",
				"path /api/v1/system of core lies within /api of weblog",
			},
		},
		"a path of the platform": {
			modules: modules(t, spec{Name: "weblog", Prefixes: []string{"/ready"}}),
			want:    []string{"path /ready is owned by core and by weblog"},
		},
		"a path that a disabled module owns": {
			modules:  modules(t, blog, spec{Name: "weblog", Prefixes: []string{"/api/v1/blog"}}),
			disabled: []string{"weblog"},
			want:     []string{"path /api/v1/blog is owned by blog and by weblog"},
		},
		"a permission that two declare": {
			modules: modules(t, blog, spec{Name: "weblog", Namespace: "blog", Permissions: permission("blog.post.read")}),
			want:    []string{`permission "blog.post.read" is declared by blog and by weblog`},
		},
		"an unknown name among the disabled": {
			modules: modules(t, blog), disabled: []string{"blgo"},
			want: []string{`modules.disabled: there is no module called "blgo"`},
		},
		"a part of the platform among the disabled": {
			modules: modules(t, identity), disabled: []string{"identity", "core"},
			want: []string{"identity is part of the platform and cannot be disabled", "core is part of the platform and cannot be disabled"},
		},
		"a missing dependency": {
			modules: modules(t, spec{Name: "blog", Dependencies: []string{"identity >= 1.0.0"}}),
			want:    []string{"blog needs identity >= 1.0.0, which is missing"},
		},
		"a disabled dependency": {
			modules:  modules(t, blog, spec{Name: "comments", Dependencies: []string{"blog"}}),
			disabled: []string{"blog"},
			want:     []string{"comments needs blog, which is disabled"},
		},
		"a dependency that is too old": {
			modules: modules(t, spec{Name: "blog", Dependencies: []string{"identity >= 1.0.0", "core >= 2.0.0"}}, spec{Name: "identity", Version: "0.9.0"}),
			want: []string{
				"blog needs identity >= 1.0.0, which has version 0.9.0",
				"blog needs core >= 2.0.0, which has version 1.0.0",
			},
		},
		"two that need each other": {
			modules: modules(t, spec{Name: "b", Dependencies: []string{"a"}}, spec{Name: "a", Dependencies: []string{"b"}}),
			want:    []string{"circle: a → b → a"},
		},
		"one that needs itself": {
			modules: modules(t, spec{Name: "a", Dependencies: []string{"a"}}),
			want:    []string{"circle: a → a"},
		},
		"a circle at the end of a path": {
			modules: modules(t, spec{Name: "a", Dependencies: []string{"d", "z"}}, spec{Name: "d", Dependencies: []string{"c"}},
				spec{Name: "c", Dependencies: []string{"e"}}, spec{Name: "e", Dependencies: []string{"d"}}, spec{Name: "z"}),
			want: []string{"circle: d → c → e → d"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := catalog.New(system.Manifest(), test.modules, test.disabled)
			require.Nil(t, c)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := catalog.New([]byte("name: core"), nil, nil)
	require.ErrorContains(t, err, "platform's own module.yaml")
}

func TestADisabledModuleNeedsNothing(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(system.Manifest(), modules(t, spec{Name: "blog", Dependencies: []string{"identity >= 1.0.0"}}), []string{"blog", "blog"})
	require.NoError(t, err)
	require.Empty(t, c.Modules())
}

func TestTheOrderRespectsEveryDependency(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 12).Draw(t, "modules")
		// The names are shuffled, so that the order by name does not happen to be the right one.
		ids := rapid.Permutation(seq(count)).Draw(t, "names")
		var specs []spec
		for i := range count {
			s := spec{Name: fmt.Sprintf("m%02d", ids[i]), Dependencies: []string{"core"}}
			for j := range i {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					s.Dependencies = append(s.Dependencies, fmt.Sprintf("m%02d >= 1.0.0", ids[j]))
				}
			}
			specs = append(specs, s)
		}
		c, err := catalog.New(system.Manifest(), modules(t, specs...), nil)
		require.NoError(t, err)
		got := names(c)
		require.Len(t, got, count)
		for _, m := range c.Manifests()[1:] {
			for _, need := range m.Dependencies {
				if need.Name != "core" {
					require.Less(t, slices.Index(got, need.Name), slices.Index(got, m.Name))
				}
			}
		}

		again, err := catalog.New(system.Manifest(), modules(t, rapid.Permutation(specs).Draw(t, "order of the modules")...), nil)
		require.NoError(t, err)
		require.Equal(t, got, names(again))
	})
}

func TestDependenciesLeftAloneTheOrderIsByName(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(system.Manifest(), modules(t,
		spec{Name: "c"}, spec{Name: "a", Dependencies: []string{"z"}}, spec{Name: "z"}, spec{Name: "b"},
	), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c", "z", "a"}, names(c))
}

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, catalog.DefaultConfig().Validate())
	require.NoError(t, catalog.Config{Disabled: []string{"blog"}}.Validate())
	require.ErrorContains(t, catalog.Config{Disabled: []string{"blog", ""}}.Validate(), "disabled")
}

func seq(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
