package database_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/yourorg/platform/internal/app"
	appconfig "github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
)

func names(all []database.Migration) []string {
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.Owner + "/" + m.File
	}
	return out
}

func TestTheRealMigrationsGoUpDownAndUp(t *testing.T) {
	t.Parallel()
	m, _ := testapp.Migrator(t, modules.All(), testapp.EmptyDatabase(t))
	pending, err := m.Pending(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, pending)

	up, err := m.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, names(pending), names(up), "what was pending was applied, in that order")
	all, err := m.Status(t.Context())
	require.NoError(t, err)
	for _, s := range all {
		require.WithinDuration(t, time.Now(), s.Applied, time.Hour, "%s %s", s.Owner, s.File)
	}
	again, err := m.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, again, "each is applied once")

	down, err := m.Down(t.Context(), "")
	require.NoError(t, err)
	reversed := slices.Clone(names(up))
	slices.Reverse(reversed)
	require.Equal(t, reversed, names(down), "in the opposite order")

	second, err := m.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, names(up), names(second), "nothing was left behind")
}

func TestOneModuleGoesDownAlone(t *testing.T) {
	t.Parallel()
	m, _ := testapp.Migrator(t, modules.All(), testapp.FreshDatabase(t, modules.All()))
	var down []database.Migration
	for range 2 { // it has as many
		newest, err := m.Down(t.Context(), "blog")
		require.NoError(t, err)
		require.Len(t, newest, 1)
		require.Equal(t, "blog", newest[0].Owner)
		down = append(newest, down...)
		pending, err := m.Pending(t.Context())
		require.NoError(t, err)
		require.Equal(t, names(down), names(pending))
	}

	_, err := m.Down(t.Context(), "blog")
	require.ErrorContains(t, err, "migrations of blog: nothing is applied")
	_, err = m.Down(t.Context(), "bolg")
	require.ErrorContains(t, err, `"bolg" owns no migrations`)
}

func TestReplicasThatStartTogetherApplyEachMigrationOnce(t *testing.T) {
	t.Parallel()
	url := testapp.EmptyDatabase(t)
	var replicas sync.WaitGroup
	applied, errs := make([][]database.Migration, 4), make([]error, 4)
	var migrators []*database.Migrator
	for range applied {
		m, _ := testapp.Migrator(t, modules.All(), url) // each has a driver of its own
		migrators = append(migrators, m)
	}
	for i, m := range migrators {
		replicas.Go(func() { applied[i], errs[i] = m.Up(t.Context()) })
	}
	replicas.Wait()
	require.NoError(t, errors.Join(errs...))
	all, err := migrators[0].Status(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, names(all), names(slices.Concat(applied...)))
}

func TestAStartWithPendingMigrationsIsRefusedWhenAutoMigrateIsOff(t *testing.T) {
	t.Parallel()
	url := testapp.EmptyDatabase(t)
	loaded, err := app.Load(appconfig.Options{
		Environment: "test", Dir: t.TempDir(), Environ: []string{},
		Set: []string{"database.url=" + url, "database.auto_migrate=false", "security.key_file=" + t.TempDir() + "/key"},
	}, modules.All()...)
	require.NoError(t, err)
	tables := fx.Invoke(func(database.Migrated) {}) // what everything that reads a table at its start asks for
	start := func() *fxtest.App {
		return fxtest.New(t, app.Core(loaded.Catalog), loaded.Boundary(), tables, fx.NopLogger)
	}
	err = start().Start(t.Context())
	require.ErrorContains(t, err, "migrations are pending")
	require.ErrorContains(t, err, `run "platform migrate up" or turn database.auto_migrate on`)

	m, _ := testapp.Migrator(t, modules.All(), url)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	start().RequireStart().RequireStop()
}

func TestAFailedMigrationLeavesNothingAndSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id text);\nINSERT INTO nowhere VALUES (1);\n")}
	broken := database.NewMigrator(b.Driver, module.MigrationSet{Owner: "broken", Files: fstest.MapFS{
		"sqlite/0001_half.sql": file, "postgres/0001_half.sql": file,
	}})
	applied, err := broken.Up(t.Context())
	require.ErrorContains(t, err, "migrations of broken: ")
	require.ErrorContains(t, err, "nowhere")
	require.Empty(t, applied)
	b.exec(t, t.Context(), "CREATE TABLE half (id text)") // it is not there
	pending, err := broken.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, pending, 1)
}

func TestTheCoreComesBeforeTheFeatures(t *testing.T) {
	t.Parallel()
	set := func(owner string) module.MigrationSet { return module.MigrationSet{Owner: owner} }
	got := database.Ordered([]module.MigrationSet{set("changes"), set("audit")}, database.Features{set("identity"), set("blog")})
	require.Equal(t, []module.MigrationSet{set("audit"), set("changes"), set("identity"), set("blog")}, got)
}
