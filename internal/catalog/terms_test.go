package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/system"
	"github.com/yourorg/platform/pkg/module"
)

func declaring(name, more string) module.IModule {
	return fake{name: name, manifest: []byte("name: " + name + "\nversion: 1.0.0\ndescription: A module.\n" + more)}
}

func TestACatalogSortsWhatEnabledModulesDeclareForPlans(t *testing.T) {
	t.Parallel()
	of := func(name, unit string) module.IModule {
		return declaring(name, "entitlements: [{name: "+name+".a, description: A.}]\nunits: [{name: "+unit+", description: U.}]\npolicies: [{name: "+unit+", description: P.}]\n")
	}
	c, err := catalog.New(system.Manifest(), []module.IModule{of("zoo", "zz_last"), of("wiki", "zz_off"), of("blog", "zz_first")}, []string{"wiki"})
	require.NoError(t, err)
	var got []string
	for _, e := range c.Entitlements() {
		got = append(got, string(e.Name))
	}
	require.IsIncreasing(t, got)
	require.Subset(t, got, []string{"blog.a", "zoo.a"})
	require.NotContains(t, got, "wiki.a")
	var units, kinds []string
	for _, u := range c.Units() {
		units = append(units, string(u.Name))
	}
	for _, k := range c.Policies() {
		kinds = append(kinds, string(k.Name))
	}
	for _, all := range [][]string{units, kinds} {
		require.IsIncreasing(t, all)
		require.Subset(t, all, []string{"zz_first", "zz_last"})
		require.NotContains(t, all, "zz_off")
	}
}

func TestTwoModulesCannotDeclareTheSameForPlans(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"unit", "policy"} {
		list := map[string]string{"unit": "units", "policy": "policies"}[what] + ": [{name: shared, description: S.}]\n"
		_, err := catalog.New(system.Manifest(), []module.IModule{declaring("blog", list), declaring("wiki", list)}, nil)
		require.ErrorContains(t, err, what+` "shared" is declared by blog and by wiki`)
	}
}
