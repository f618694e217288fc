package testapp

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
)

// Migrator returns the migrator of modules over the database at url, with a driver of its own.
func Migrator(t testing.TB, modules []module.IModule, url string) (*database.Migrator, *database.Driver) {
	t.Helper()
	var m *database.Migrator
	var d *database.Driver
	loaded := load(t, modules, url)
	graph := fxtest.New(t, app.Core(loaded.Catalog), loaded.Boundary(), app.Migrate, fx.NopLogger, fx.Populate(&m, &d))
	graph.RequireStart()
	t.Cleanup(graph.RequireStop)
	return m, d
}

// Schema is the part of a generated ent client that can tell how a database differs from it.
type Schema interface {
	WriteTo(ctx context.Context, w io.Writer, opts ...schema.MigrateOption) error
}

// ent's migration changes package variables.
var entMigration sync.Mutex

// SameSchema requires that the migrations of modules make exactly the tables that an ent client expects: ent would
// change nothing.
func SameSchema(t *testing.T, modules []module.IModule, of func(dialect.Driver) Schema) {
	t.Helper()
	require.Empty(t, Difference(t, FreshDatabase(t, modules), of))
}

// Difference lists the statements with which ent would change the database at address.
func Difference(t *testing.T, address string, of func(dialect.Driver) Schema) []string {
	t.Helper()
	engine, driver, dsn := dialect.Postgres, "pgx", address
	if file, ok := strings.CutPrefix(address, "sqlite://"); ok {
		engine, driver = dialect.SQLite, "sqlite"
		dsn = "file:" + (&url.URL{Path: file}).EscapedPath() + "?_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()

	entMigration.Lock()
	defer entMigration.Unlock()
	var changes bytes.Buffer
	err = of(entsql.OpenDB(engine, db)).WriteTo(t.Context(), &changes, schema.WithDropColumn(true), schema.WithDropIndex(true))
	require.NoError(t, err)
	var statements []string
	for line := range strings.Lines(changes.String()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--") && line != "BEGIN;" && line != "COMMIT;" {
			statements = append(statements, line)
		}
	}
	return statements
}
