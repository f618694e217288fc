package river_test

import (
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestTheTablesAreThoseOfRiver(t *testing.T) {
	t.Parallel()
	theirs := open(t, testapp.EmptyDatabase(t))
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(theirs)
	columns := `SELECT m.name || '.' || c.name || ' ' || lower(c.type) || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '')
FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if testapp.Postgres() {
		driver = riverdatabasesql.New(theirs)
		columns = `SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	migrator, err := rivermigrate.New(driver, nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	want := read(t, theirs, columns)
	require.Greater(t, len(want), 25)
	require.Equal(t, want, read(t, open(t, testapp.FreshDatabase(t, modules.All())), columns))
}

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", address
	if file, ok := strings.CutPrefix(address, "sqlite://"); ok {
		driver, dsn = "sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// read lists the columns of River's tables, but those of its versions.
func read(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	var list []string
	for rows.Next() {
		var column string
		require.NoError(t, rows.Scan(&column))
		if strings.HasPrefix(column, "river_") && !strings.HasPrefix(column, "river_migration") {
			list = append(list, column)
		}
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
	slices.Sort(list)
	return list
}
