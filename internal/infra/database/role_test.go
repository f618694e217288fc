package database_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// newRole makes a role of the server for this test, and returns its name.
func (l locked) newRole(t testing.TB, options string) string {
	t.Helper()
	name := "platform_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	_, err := l.login.ExecContext(t.Context(), "CREATE ROLE "+name+" "+options)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := l.login.ExecContext(context.Background(), "DROP OWNED BY "+name+"; DROP ROLE "+name)
		require.NoError(t, err)
	})
	return name
}

func (l locked) as(t testing.TB, login string) string {
	t.Helper()
	var name string
	require.NoError(t, l.login.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path = "/" + name
	if login != "" {
		u.User = url.UserPassword(login, "secret")
	}
	return u.String()
}

func TestProductionRefusesWhatCannotBeEnforced(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	weak := l.as(t, l.newRole(t, "LOGIN PASSWORD 'secret'"))
	bypassing, stranger := l.newRole(t, "BYPASSRLS"), l.newRole(t, "NOLOGIN")
	for name, tt := range map[string]struct{ url, role, want string }{
		"switched off":                 {l.as(t, ""), "", "database.app_role is empty"},
		"a role that is not there":     {weak, "nobody_at_all", "CREATE ROLE nobody_at_all NOLOGIN; GRANT nobody_at_all TO platform_test_"},
		"a login that is no member":    {weak, "platform_app", "GRANT platform_app TO platform_test_"},
		"a role that bypasses":         {l.as(t, ""), bypassing, "NOBYPASSRLS"},
		"a role that lacks privileges": {l.as(t, ""), stranger, "the role lacks privileges"},
	} {
		d := openAt(t, tt.url, func(c *database.Config) { c.AppRole = tt.role })
		for _, env := range []config.Environment{config.Production, "staging"} {
			err := d.Confine(t.Context(), env)
			require.ErrorContains(t, err, "row-level security cannot be enforced", name)
			require.ErrorContains(t, err, tt.want, name)
		}
		require.NoError(t, d.Confine(t.Context(), config.Development), "%s: a warning", name)
	}
}

func TestATableWhosePolicyIsWeakenedStopsTheStart(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	migrator := database.NewMigrator(l.Driver)
	for _, damage := range []string{
		"ALTER TABLE blog_posts DISABLE ROW LEVEL SECURITY",
		"ALTER TABLE blog_posts NO FORCE ROW LEVEL SECURITY",
		"DROP POLICY platform_tenant ON blog_posts",
		"CREATE POLICY more ON blog_posts USING (true)",
		"CREATE TABLE forgotten (tenant_id uuid)",
	} {
		_, err := l.login.ExecContext(t.Context(), damage)
		require.NoError(t, err)
		require.ErrorContains(t, l.Confine(t.Context(), config.Production), "not every table with a tenant has its policy", damage)
		_, err = migrator.Up(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Confine(t.Context(), config.Production), "mended: %s", damage)
	}
	none := t.Context()
	l.exec(t, none, "INSERT INTO forgotten VALUES (NULL)")
	require.Equal(t, 1, l.count(t, none, "forgotten", "true"), "a row without a tenant is the platform's")
	_, err := l.login.ExecContext(t.Context(), "CREATE TABLE odd (tenant_id text)")
	require.NoError(t, err)
	_, err = migrator.Up(t.Context())
	require.ErrorContains(t, err, "odd.tenant_id is a text; it must be a uuid")
}

// The owner of the tables is bound too, so a migration of theirs says that it is about every tenant.
func TestAMigrationOfAnOwnerReachesTheRowsOfEveryTenant(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	owner := l.newRole(t, "LOGIN CREATEROLE PASSWORD 'secret'")
	_, err := l.login.ExecContext(t.Context(), "CREATE SCHEMA mine AUTHORIZATION "+owner+"; ALTER ROLE "+owner+" SET search_path = mine; GRANT platform_app TO "+owner)
	require.NoError(t, err)
	files := fstest.MapFS{
		"postgres/0001_notes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE notes (tenant_id uuid NOT NULL, n int NOT NULL);\n-- +goose Down\nDROP TABLE notes;\n")},
	}
	set := module.MigrationSet{Owner: "notes", Files: files}
	d := openAt(t, l.as(t, owner), nil)
	_, err = database.NewMigrator(d, set).Up(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Confine(t.Context(), config.Production))
	_, err = l.login.ExecContext(t.Context(), "INSERT INTO mine.notes VALUES ('"+uuid.NewString()+"', 1)")
	require.NoError(t, err)

	files["postgres/0002_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nUPDATE notes SET n = n + 1;\n-- +goose Down\nUPDATE notes SET n = n - 1;\n")}
	m := database.NewMigrator(d, set)
	_, err = m.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, l.list(t, "SELECT n FROM mine.notes"))
	require.Zero(t, bench{d}.number(t, t.Context(), "SELECT count(*) FROM notes"))
	_, err = m.Down(t.Context(), "")
	require.NoError(t, err)
}
