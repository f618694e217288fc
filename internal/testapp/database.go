package testapp

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/system"
	"github.com/yourorg/platform/pkg/module"
)

const defaultPostgres = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"

// Postgres tells whether this run is on Postgres.
func Postgres() bool { return os.Getenv("PLATFORM_TEST_DATABASE") == "postgres" }

// FreshDatabase returns the URL of a migrated database for this test alone.
func FreshDatabase(t testing.TB, modules []module.IModule) string {
	t.Helper()
	if Postgres() {
		return freshPostgres(t, modules)
	}
	return freshSQLite(t, modules)
}

// EmptyDatabase returns the URL of a database without any table.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	if !Postgres() {
		return "sqlite://" + filepath.Join(t.TempDir(), "platform.db")
	}
	admin := postgres(t)
	return create(t, admin, "")
}

// A migrated SQLite file is made once for each process and set of modules, and copied for each test.
var templates sync.Map // fingerprint → func() (string, error)

func freshSQLite(t testing.TB, modules []module.IModule) string {
	t.Helper()
	build, _ := templates.LoadOrStore(fingerprint(t, modules), sync.OnceValue(func() []byte {
		dir, err := os.MkdirTemp("", "platform-template-")
		require.NoError(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		file := filepath.Join(dir, "platform.db")
		migrate(t, modules, "sqlite://"+file)
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		return content
	}))
	file := filepath.Join(t.TempDir(), "platform.db")
	require.NoError(t, os.WriteFile(file, build.(func() []byte)(), 0o600))
	return "sqlite://" + file
}

func migrate(t testing.TB, modules []module.IModule, url string) {
	t.Helper()
	var m *database.Migrator
	loaded := load(t, modules, url)
	graph := fxtest.New(t, app.Core(loaded.Catalog), loaded.Boundary(), app.Migrate, fx.NopLogger, fx.Populate(&m))
	graph.RequireStart()
	_, err := m.Up(t.Context())
	require.NoError(t, err)
	graph.RequireStop() // closes the database, which folds SQLite's log into the file
}

// freshPostgres copies a template database, which is made once for each state of the migrations and then kept.
func freshPostgres(t testing.TB, modules []module.IModule) string {
	t.Helper()
	admin := postgres(t)
	template := "platform_template_" + fingerprint(t, modules)[:16]
	conn, err := admin.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_lock(727274)")
	require.NoError(t, err)
	var exists bool
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", template).Scan(&exists))
	if !exists {
		_, err = conn.ExecContext(t.Context(), `DROP DATABASE IF EXISTS "`+template+`"`)
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), `CREATE DATABASE "`+template+`"`)
		require.NoError(t, err)
		migrate(t, modules, at(template))
		_, err = conn.ExecContext(t.Context(), `ALTER DATABASE "`+template+`" IS_TEMPLATE true`) // marks it complete
		require.NoError(t, err)
	}
	_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_unlock(727274)")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	return create(t, admin, template)
}

func create(t testing.TB, admin *sql.DB, template string) string {
	t.Helper()
	name := "platform_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	statement := `CREATE DATABASE "` + name + `"`
	if template != "" {
		statement += ` TEMPLATE "` + template + `"`
	}
	_, err := admin.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := admin.ExecContext(ctx, `DROP DATABASE "`+name+`" WITH (FORCE)`)
		require.NoError(t, err)
		require.NoError(t, admin.Close())
	})
	return at(name)
}

// postgres connects to the server for tests. When none answers the test is skipped, or fails if PLATFORM_TEST_REQUIRE
// names postgres.
func postgres(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn())
	require.NoError(t, err)
	db.SetMaxOpenConns(2)
	if err := db.PingContext(t.Context()); err != nil {
		_ = db.Close()
		for name := range strings.SplitSeq(os.Getenv("PLATFORM_TEST_REQUIRE"), ",") {
			if strings.TrimSpace(name) == "postgres" {
				t.Fatalf("PLATFORM_TEST_REQUIRE names postgres, which does not answer: %v", err)
			}
		}
		t.Skipf("no Postgres answers: %v", err)
	}
	return db
}

func dsn() string {
	if dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN"); dsn != "" {
		return dsn
	}
	return defaultPostgres
}

func at(name string) string {
	u, err := url.Parse(dsn())
	if err != nil {
		return dsn()
	}
	u.Path = "/" + name
	return u.String()
}

// coreMigrations are those of the platform itself, which no module changes.
var coreMigrations = sync.OnceValues(func() (sets module.MigrationSets, err error) {
	c, err := catalog.New(system.Manifest(), nil, nil)
	if err != nil {
		return sets, err
	}
	err = fx.New(app.Core(c), fx.NopLogger, fx.Invoke(func(s module.MigrationSets) { sets = s })).Err()
	return sets, err
})

// fingerprint changes with any migration of any module or core package, and with the policies on top of them.
func fingerprint(t testing.TB, modules []module.IModule) string {
	t.Helper()
	h := sha256.New()
	_, _ = h.Write([]byte(database.Condition))
	core, err := coreMigrations()
	require.NoError(t, err)
	var features database.Features
	for _, m := range modules {
		if files := m.Migrations(); files != nil {
			features = append(features, module.MigrationSet{Owner: m.Name(), Files: files})
		}
	}
	for _, set := range database.Ordered(core.All, features) {
		require.NoError(t, fs.WalkDir(set.Files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(set.Files, path)
			_, _ = h.Write([]byte(set.Owner + path))
			_, _ = h.Write(content)
			return err
		}))
	}
	return hex.EncodeToString(h.Sum(nil))
}

var keys = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "platform-keys-") })

// keyFolder is shared by all platforms of the process, so that two of them over one database can read the same keys.
func keyFolder(t testing.TB) string {
	t.Helper()
	dir, err := keys()
	require.NoError(t, err)
	return dir
}
