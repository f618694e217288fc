package module

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/perm"
)

const good = `name: shop
version: 1.2.3
description: Sells things.
dependencies:
  - core >= 1.0.0
  - identity >= 1.0.0, < 2.0.0
  - blog
prefixes: [/api/v1/shop]
permissions:
  - name: shop.item.buy
    description: Buy an item.
    roles: [owner, member]
`

func TestAManifestIsRead(t *testing.T) {
	t.Parallel()
	m, err := ParseManifest([]byte(good))
	require.NoError(t, err)
	require.Equal(t, Manifest{
		Name: "shop", Version: "1.2.3", Kind: "feature", Description: "Sells things.", Namespace: "shop",
		Dependencies: []Dependency{{"core", ">= 1.0.0"}, {"identity", ">= 1.0.0, < 2.0.0"}, {"blog", ""}},
		Prefixes:     []string{"/api/v1/shop"},
		Permissions:  []perm.Definition{{Name: "shop.item.buy", Description: "Buy an item.", Roles: []string{"owner", "member"}}},
	}, m)
	for i, want := range []string{"core >= 1.0.0", "identity >= 1.0.0, < 2.0.0", "blog"} {
		require.Equal(t, want, m.Dependencies[i].String())
	}
}

func TestAFaultOfAManifestIsNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, changed, want string }{
		"an unknown key":                     {"prefixes:", "prefxies:", "prefxies"},
		"a name in capitals":                 {"name: shop\n", "name: Shop\n", "name must be lower case"},
		"half a version":                     {"1.2.3", "1.2", `"1.2" is not a semantic version`},
		"another kind":                       {"description: Sells", "kind: plugin\ndescription: Sells", `kind "plugin"`},
		"no description":                     {"description: Sells things.\n", "", "description is missing"},
		"a constraint that cannot be read":   {">= 1.0.0\n", "at least one\n", "dependency core: constraint"},
		"a dependency that is no name":       {"- blog", `- ">= 1"`, "does not begin with a module's name"},
		"a prefix without a slash":           {"/api/v1/shop", "api/v1/shop", "must begin with a slash"},
		"a prefix that ends with one":        {"/api/v1/shop]", "/api/v1/shop/]", "must begin with a slash"},
		"a permission of another module":     {"shop.item.buy", "blog.item.buy", "outside the namespace"},
		"a permission of two parts":          {"shop.item.buy", "shop.buy", "is not <module>.<resource>.<action>"},
		"a permission without a description": {"    description: Buy an item.\n", "", "has no description"},
		"a role that is not built in":        {"[owner, member]", "[owner, god]", `"god" is not a built-in role`},
		"a condition that is missing":        {"[owner, member]", "[owner, {role: member}]", "when of member is missing"},
		"a condition that cannot be read":    {"[owner, member]", "[owner, {role: member, when: maybe}]", "when of member"},
		"a condition without its attribute":  {"[owner, member]", "[owner, {role: member, when: own}]", `"owner", which is not among its attributes`},
		"a misspelt condition":               {"[owner, member]", "[owner, {role: member, wen: own}]", "wen"},
		"a condition for no role":            {"[owner, member]", "[{role: god, when: days=mon}]", `"god" is not a built-in role`},
		"a role that is there twice":         {"[owner, member]", "[owner, {role: owner, when: days=mon}]", `"owner" is there twice`},
		"an attribute that cannot be":        {"    roles:", "    attributes: [own]\n    roles:", `"own" cannot be an attribute`},
		"an unknown key of a permission":     {"    roles:", "    rolls: []\n    roles:", "rolls"},
		"a permission that is there twice":   {"permissions:\n", "permissions:\n  - {name: shop.item.buy, description: Buy.}\n", "declared twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, good, tt.old)
			_, err := ParseManifest([]byte(strings.Replace(good, tt.old, tt.changed, 1)))
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "module.yaml")
		})
	}
	_, err := ParseManifest(nil)
	require.ErrorContains(t, err, "module.yaml")
}

func TestADependencyAcceptsVersions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		constraint, version string
		want                bool
	}{
		"any version":         {"", "0.0.1", true},
		"the least":           {">= 1.0.0", "1.0.0", true},
		"below the least":     {">= 1.0.0", "0.9.9", false},
		"a range":             {">= 1.0.0, < 2.0.0", "1.9.0", true},
		"beyond the range":    {">= 1.0.0, < 2.0.0", "2.0.0", false},
		"a caret":             {"^1.2", "1.3.0", true},
		"not a pre-release":   {">= 1.0.0", "1.0.0-rc.1", false},
		"an exact version is": {"= 1.0.0", "1.0.0", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Dependency{Name: "core", Constraint: tt.constraint}.Accepts(tt.version)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	_, err := Dependency{Name: "core"}.Accepts("one")
	require.Error(t, err)
}

func TestNoManifestPanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := strings.Split(good, "\n")
		at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		lines[at] = rapid.SampledFrom([]string{"", "- x", "name:", "permissions: [null]", "dependencies: [{}]", rapid.String().Draw(t, "text")}).Draw(t, "instead")
		m, err := ParseManifest([]byte(strings.Join(lines, "\n")))
		if err == nil {
			require.NotEmpty(t, m.Name)
			require.True(t, perm.Permission(m.Name+".a.b").Valid())
		}
	})
}

// A manifest that is accepted says only what the platform can keep apart: names in one alphabet, paths below /, and the
// permissions of its own namespace. A dependency is read from what it says of itself.
func FuzzParseManifest(f *testing.F) {
	f.Add(good)
	f.Add("name: a\nversion: 1.0.0\ndescription: B.\nkind: platform\nnamespace: c\n")
	f.Add("name: [\n")
	f.Add("{name: x, version: 1.0.0, description: y, permissions: [{name: x.y.z, description: '', roles: [owner]}]}")
	f.Add("name: &a [*a]\n")
	f.Fuzz(func(t *testing.T, source string) {
		m, err := ParseManifest([]byte(source))
		if err != nil {
			return
		}
		require.Regexp(t, `^[a-z][a-z0-9_]*$`, m.Name)
		for _, p := range m.Permissions {
			require.True(t, strings.HasPrefix(string(p.Name), m.Namespace+"."), "%s is outside of %s", p.Name, m.Namespace)
		}
		for _, prefix := range m.Prefixes {
			require.True(t, strings.HasPrefix(prefix, "/"), prefix)
		}
		for _, d := range m.Dependencies {
			var again Dependency
			text, err := yaml.Marshal(d.String())
			require.NoError(t, err)
			require.NoError(t, yaml.Unmarshal(text, &again), "%q", d.String())
			require.Equal(t, d, again)
		}
	})
}
