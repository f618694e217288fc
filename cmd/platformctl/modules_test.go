package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/internal/cli"
)

// run runs a command line and returns what it printed and its exit code.
func run(t *testing.T, line string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	c := root()
	c.SetOut(&b)
	c.SetArgs(strings.Fields(line))
	code = cli.Main(c)
	return b.String(), code
}

func TestModulesAreListed(t *testing.T) {
	t.Parallel()
	text, code := run(t, "modules list")
	require.Equal(t, cli.OK, code)
	require.Regexp(t, `^NAME +VERSION +KIND +ENABLED +PERMISSIONS +ROUTES\n`, text)
	require.Regexp(t, `(?m)^blog +1\.0\.0 +feature +true +5 +9$`, text)
	require.Regexp(t, `(?m)^core +\d`, text)

	var fromJSON, fromYAML []described
	encoded, code := run(t, "modules list -o json")
	require.Equal(t, cli.OK, code)
	require.NoError(t, json.Unmarshal([]byte(encoded), &fromJSON))
	encoded, code = run(t, "modules list --output yaml")
	require.Equal(t, cli.OK, code)
	require.NoError(t, yaml.Unmarshal([]byte(encoded), &fromYAML))
	require.Equal(t, fromJSON, fromYAML)
	require.Len(t, fromJSON, strings.Count(text, "\n")-1)
	for _, m := range fromJSON {
		require.NotEmpty(t, m.Version, m.Name)
		require.NotEmpty(t, m.Description, m.Name)
		require.NotNil(t, m.Routes, m.Name)
	}
}

func TestAModuleIsShown(t *testing.T) {
	t.Parallel()
	text, code := run(t, "modules show blog")
	require.Equal(t, cli.OK, code)
	require.Regexp(t, `(?m)^name: +blog$`, text)
	require.Regexp(t, `(?m)^depends on: +core >= 1\.0\.0, identity >= 1\.0\.0$`, text)
	require.Regexp(t, `(?m)^blog\.post\.publish +.+$`, text)
	require.Regexp(t, `(?m)^POST +/api/v1/blog/posts/\{id\}/publish +blog\.post\.publish$`, text)

	var m described
	encoded, code := run(t, "modules show identity -o json")
	require.Equal(t, cli.OK, code)
	require.NoError(t, json.Unmarshal([]byte(encoded), &m))
	require.Contains(t, m.Routes, route{Method: "POST", Path: "/api/v1/auth/login", Access: "public"})
	require.Contains(t, m.Routes, route{Method: "GET", Path: "/api/v1/me", Access: "authenticated"})
}

func TestADisabledModuleIsListedWithoutRoutes(t *testing.T) {
	t.Parallel()
	var m described
	encoded, code := run(t, "modules show blog -o yaml --set modules.disabled=blog")
	require.Equal(t, cli.OK, code)
	require.NoError(t, yaml.Unmarshal([]byte(encoded), &m))
	require.False(t, m.Enabled)
	require.Empty(t, m.Routes)
	require.Len(t, m.Permissions, 5)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"help":                                 cli.OK,
		"help modules show":                    cli.OK,
		"modules list":                         cli.OK,
		"modules show bolg":                    cli.Failed,
		"modules list --set log.level=loud":    cli.Failed,
		"modules list --set modules.disabled=": cli.Failed,
		"":                                     cli.Usage,
		"modules":                              cli.Usage,
		"modules show":                         cli.Usage,
		"modules show a b":                     cli.Usage,
		"modules list -o xml":                  cli.Usage,
		"moduels list":                         cli.Usage,
		"generate everything":                  cli.Usage,
		"generate docs again":                  cli.Usage,
		"--nope":                               cli.Usage,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			_, code := run(t, line)
			require.Equal(t, want, code)
		})
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		require.Contains(t, c.Example, "  platformctl ", c.CommandPath())
		require.NotEmpty(t, c.Short, c.CommandPath())
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(root())
}
