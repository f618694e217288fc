package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

func TestEveryCommandExplainsItselfWithAnExample(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.Contains(t, c.Example, strings.TrimSuffix(c.CommandPath(), " help"), c.CommandPath())
		help := here.run(t, append(strings.Fields(c.CommandPath())[1:], "--help")...)
		require.Zero(t, help.code, c.CommandPath())
		require.Contains(t, help.out.String(), c.Short)
		require.Contains(t, help.out.String(), "\nExamples:\n"+c.Example)
		require.Empty(t, help.log.String())
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	c := root()
	c.InitDefaultHelpCmd()
	visit(c)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	for name, tt := range map[string]struct {
		args string
		code int
		says string
	}{
		"help is fine":                         {"help", 0, "A modular SaaS platform"},
		"help of a command is fine":            {"help migrate down", 0, "platform migrate down --module blog"},
		"a good configuration is fine":         {"config validate", 0, ""},
		"production without a key is not good": {"config validate --environment production", 1, "security.encryption_key must be set"},
		"a port that cannot be":                {"config validate --set http.addr=127.0.0.1:99999", 1, "http.addr must have a port"},
		"a version is fine":                    {"version", 0, "platform v1.2.3 (commit c0ffee, built 2026-01-02T03:04:05Z, go"},
		"no command":                           {"", 2, `"platform" needs a command`},
		"a command that is not there":          {"sevre", 2, `unknown command "sevre"`},
		"help of one that is not there":        {"help sevre", 2, `unknown command "sevre"`},
		"a group without a command":            {"migrate", 2, `"platform migrate" needs a command`},
		"a subcommand that is not there":       {"migrate sideways", 2, `unknown command "sideways"`},
		"a flag that is not there":             {"serve --fast", 2, "unknown flag: --fast"},
		"an argument too many":                 {"all now", 2, `unknown command "now"`},
		"a flag without its value":             {"serve --config", 2, "flag needs an argument"},
		"down without saying what":             {"migrate down", 2, "needs --module NAME or --all"},
		"down of an empty name":                {"migrate down --module=", 2, "needs --module NAME or --all"},
		"down of nothing":                      {"migrate down --all=false", 2, "needs --module NAME or --all"},
		"down of both":                         {"migrate down --all --module blog", 2, "module all"},
		"a configuration file that is missing": {"config validate --config none.yaml", 1, "none.yaml"},
		"an environment that is not there":     {"serve --environment moon", 1, "environment"},
		"health of nobody":                     {"health --set http.addr=127.0.0.1:1", 1, "the platform does not answer"},
		"down of a module that is not there":   {"migrate down --module bolg", 1, `"bolg" owns no migrations`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := here.run(t, strings.Fields(tt.args)...)
			require.Equal(t, tt.code, run.code, "%s%s", &run.out, &run.log)
			said, silent := run.out.String(), run.log.String()
			if tt.code != 0 {
				said, silent = silent, said
				require.NotContains(t, said, "Usage:", "one line, not a page")
			}
			require.Contains(t, said, tt.says)
			require.Empty(t, silent)
		})
	}
}

func TestABadConfigurationNamesTheKeyAndWhereItCameFrom(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	file := filepath.Join(here.dir, "extra.yaml")
	require.NoError(t, os.WriteFile(file, []byte("http:\n  adr: 127.0.0.1:0\n"), 0o600))
	dotenv := newPlace(t)
	require.NoError(t, os.WriteFile(filepath.Join(dotenv.dir, ".env"), []byte("PLATFORM_LOG_LEVEL=loud\n"), 0o600))
	for name, tt := range map[string]struct {
		in   place
		args string
		want []string
	}{
		"an unknown variable":          {here.with("PLATFORM_HTP_ADDR", "x"), "serve", []string{"PLATFORM_HTP_ADDR"}},
		"a value of the wrong type":    {here.with("PLATFORM_HTTP_READ_TIMEOUT", "soon"), "serve", []string{"http.read_timeout", "PLATFORM_HTTP_READ_TIMEOUT"}},
		"a value that cannot work":     {here, "work --set http.max_body_bytes=0", []string{"http.max_body_bytes", "flag --set"}},
		"an unknown key in a file":     {here, "all --config " + file, []string{"http.adr", "extra.yaml"}},
		"a bad value in .env":          {dotenv, "migrate up", []string{"log.level", ".env"}},
		"two faults are both reported": {here, "config validate --set log.level=loud --set http.addr=8080", []string{"log.level", "http.addr"}},
		"a module that is not there":   {here, "serve --set modules.disabled=bolg", []string{"modules.disabled", "bolg"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := tt.in.run(t, strings.Fields(tt.args)...)
			require.Equal(t, 1, run.code)
			for _, part := range tt.want {
				require.Contains(t, run.log.String(), part)
			}
			require.Empty(t, run.out.String())
		})
	}
}

func TestConfigPrintShowsSourcesAndNoSecrets(t *testing.T) {
	t.Parallel()
	here := newPlace(t).with(
		"PLATFORM_DATABASE_URL", "postgres://platform:hunter2@db/platform",
		"PLATFORM_BOOTSTRAP_ADMIN_PASSWORD", "hunter2 hunter2",
		"PLATFORM_SECURITY_ENCRYPTION_KEY", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ=")
	run := here.run(t, "config", "print", "--set", "log.level=debug")
	require.Zero(t, run.code, &run.log)
	text := run.out.String()
	require.NotContains(t, text, "hunter2")
	require.NotContains(t, text, "aHVudGVy")
	require.Regexp(t, `(?m)^database\.url +postgres://platform:xxxxx@db/platform +environment variable PLATFORM_DATABASE_URL$`, text)
	require.Regexp(t, `(?m)^security\.encryption_key +\*+ +environment variable PLATFORM_SECURITY_ENCRYPTION_KEY$`, text)
	require.Regexp(t, `(?m)^log\.level +debug +flag --set$`, text)
	require.Regexp(t, `(?m)^log\.format +console +config/development\.yaml \(embedded\)$`, text)
	require.Regexp(t, `(?m)^database\.max_open_conns +20 +default$`, text)
}

func TestMigrateUpStatusAndDown(t *testing.T) {
	t.Parallel()
	here := newPlace(t)
	status := func() string {
		run := here.run(t, "migrate", "status")
		require.Zero(t, run.code, &run.log)
		return run.out.String()
	}
	require.Contains(t, status(), "pending")
	up := here.run(t, "migrate", "up")
	require.Zero(t, up.code, &up.log)
	require.Contains(t, up.out.String(), "applied blog 0001_")
	require.NotContains(t, status(), "pending")
	require.Equal(t, "nothing to do\n", here.run(t, "migrate", "up").out.String())

	for n, file := range []string{"0002_", "0001_"} {
		down := here.run(t, "migrate", "down", "--module", "blog")
		require.Zero(t, down.code, &down.log)
		require.Regexp(t, `^took back blog `+file+`\S+\n$`, down.out.String())
		require.Equal(t, n+1, strings.Count(status(), "pending"))
	}

	off := here.run(t, "serve", "--set", "database.auto_migrate=false")
	require.Equal(t, 1, off.code)
	require.Contains(t, off.log.String(), `run "platform migrate up"`)

	all := here.run(t, "migrate", "down", "--all")
	require.Zero(t, all.code, &all.log)
	require.NotContains(t, all.out.String(), "blog")
	require.Contains(t, all.out.String(), "took back identity 0001_")
	rows := strings.Count(status(), "\n") - 1 // without the heading
	require.Equal(t, rows, strings.Count(status(), "pending"))
}

func TestADatabaseThatIsAwayEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	away := newPlace(t).with("PLATFORM_DATABASE_URL", "postgres://platform:hunter2@127.0.0.1:1/platform", "PLATFORM_DATABASE_CONNECT_TIMEOUT", "300ms")
	for _, command := range []string{"all", "migrate up"} {
		run := away.run(t, strings.Fields(command)...)
		require.Equal(t, 1, run.code)
		require.Contains(t, run.log.String(), "postgres://platform:xxxxx@127.0.0.1:1/platform did not answer within 300ms")
		require.NotContains(t, run.log.String(), "hunter2")
	}
	if !testapp.Postgres() {
		run := newPlace(t).with("PLATFORM_DATABASE_URL", "sqlite:///dev/null/platform.db").run(t, "all")
		require.Equal(t, 1, run.code)
		require.Contains(t, run.log.String(), "database.url /dev/null/platform.db")
	}
}
