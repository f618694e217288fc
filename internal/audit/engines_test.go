package audit

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

var engines = map[string]func(*testing.T) *database.Driver{"sqlite": openSQLite, "postgres": openPostgres}

func openSQLite(t *testing.T) *database.Driver {
	t.Helper()
	return open(t, "sqlite://"+filepath.Join(t.TempDir(), "audit.db"))
}

// openPostgres makes a database of its own on the server of PLATFORM_TEST_POSTGRES_DSN, by default a local one, and
// skips when none answers there.
func openPostgres(t *testing.T) *database.Driver {
	t.Helper()
	dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN")
	if dsn == "" {
		dsn = "postgres://postgres:postgres@127.0.0.1:5432/postgres?sslmode=disable"
	}
	server, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	if err := server.PingContext(t.Context()); err != nil {
		if slices.Contains(strings.Split(os.Getenv("PLATFORM_TEST_REQUIRE"), ","), "postgres") {
			require.NoError(t, err)
		}
		t.Skip("no Postgres answers")
	}
	name := "audit_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err = server.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	own, err := url.Parse(dsn)
	require.NoError(t, err)
	own.Path = "/" + name
	return open(t, own.String())
}

func open(t *testing.T, address string) *database.Driver {
	t.Helper()
	cfg := database.DefaultConfig()
	cfg.URL = config.URL(address)
	cfg.Synchronous = "normal"
	d, err := database.Open(cfg)
	require.NoError(t, err)
	require.NoError(t, d.Connect(t.Context()))
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	m := database.NewMigrator(d, module.MigrationSet{Owner: "audit", Files: module.Sub(migrations, "migrations")})
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	_, err = m.Down(t.Context(), "")
	require.NoError(t, err)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	return d
}
