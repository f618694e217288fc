package terms_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	configs "github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/config"
)

func TestPlansAreReadFromWhereverSettingsAre(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "platform.yaml")
	require.NoError(t, os.WriteFile(file, []byte("terms:\n  plans:\n    standard: \"*\"\n    lean: blog.*; rate 3 burst 4; requests 5/day\n"), 0o600))
	const line = "lean=blog.*; rate 3 burst 4; requests 5/day, standard=*"
	for name, o := range map[string]configs.Options{
		"a file":      {File: file},
		"environment": {Environ: []string{"PLATFORM_TERMS_PLANS=" + line}},
		"flag":        {Set: []string{"terms.plans=" + line}},
	} {
		o.Dir, o.Embedded = t.TempDir(), fstest.MapFS{"default.yaml": {}, "development.yaml": {}}
		o.Environ = append([]string{}, o.Environ...)
		c, err := configs.Load(o, []config.Section{{Name: "terms", Defaults: terms.DefaultConfig()}})
		require.NoError(t, err, name)
		var got terms.Config
		require.NoError(t, c.Unmarshal("terms", &got))
		require.Len(t, got.Plans, 2, name)
		grant, err := got.Plans["lean"].Grant()
		require.NoError(t, err)
		require.Len(t, grant.Quotas, 1)
		require.Equal(t, 4, grant.Rate.Burst)
		for _, v := range c.Values() {
			if v.Key == "terms.plans" {
				require.Equal(t, "{"+line+"}", v.Text)
			}
		}
	}
}

func TestAPlanThatCannotBeKeepsThePlatformFromStarting(t *testing.T) {
	t.Parallel()
	require.NoError(t, terms.DefaultConfig().Validate())
	for want, change := range map[string]func(*terms.Config){
		"default_plan":  func(c *terms.Config) { c.DefaultPlan = "gold" },
		"plans":         func(c *terms.Config) { c.Plans["Gold"] = terms.Spec{} },
		"cache_tenants": func(c *terms.Config) { c.CacheTenants = 0 },
		"cache_ttl":     func(c *terms.Config) { c.CacheTTL = 1 },
	} {
		c := terms.DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
	c := terms.DefaultConfig()
	var s terms.Spec
	require.NoError(t, s.UnmarshalText([]byte("requests 5/week")))
	c.Plans["gold"] = s
	require.ErrorContains(t, c.Validate(), "gold")
}
