package authz

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// sample is a catalog with each kind of permission.
var sample = permissions{
	{Name: "audit.event.read", Roles: []string{authz.Owner, authz.Admin}},
	{Name: "blog.comment.read", Roles: []string{authz.Owner, authz.Viewer}},
	{Name: "blog.post.create", Roles: []string{authz.Owner, authz.Admin, authz.Member}},
	{Name: "blog.post.delete", Roles: []string{authz.Owner}},
	{Name: "blog.post.read", Roles: []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer}},
	{
		Name: "blog.post.update", Attributes: []string{"owner", "status"}, Roles: []string{authz.Owner},
		Conditional: []perm.Holder{{Role: authz.Member, When: "own"}},
	},
	{Name: "blogger.post.read"},
	{Name: "system.health.check", Roles: []string{authz.PlatformAdmin}},
}

type permissions []perm.Definition

func (c permissions) Permissions() []perm.Definition { return c }

// announcements collects what was announced.
type announcements struct {
	mu    sync.Mutex
	keys  []string
	fail  error
	stale atomic.Bool
}

func (a *announcements) Fresh() bool { return !a.stale.Load() }

func (a *announcements) Announce(_ context.Context, topic, key string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = append(a.keys, topic+" "+key)
	return a.fail
}

func (a *announcements) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	keys := a.keys
	a.keys = nil
	return keys
}

// driver carries the transaction in the context, as the platform's own does.
type driver struct {
	dialect.Driver
	db     *sql.DB
	before func(ctx context.Context) error // called before each query, when set
}

type txKey struct{}

func (d *driver) Exec(ctx context.Context, query string, args, v any) error {
	if t, ok := ctx.Value(txKey{}).(dialect.Tx); ok {
		return t.Exec(ctx, query, args, v)
	}
	return d.Driver.Exec(ctx, query, args, v)
}

func (d *driver) Query(ctx context.Context, query string, args, v any) error {
	if t, ok := ctx.Value(txKey{}).(dialect.Tx); ok {
		return t.Query(ctx, query, args, v)
	}
	if d.before != nil {
		if err := d.before(ctx); err != nil {
			return err
		}
	}
	return d.Driver.Query(ctx, query, args, v)
}

func (d *driver) Tx(ctx context.Context) (dialect.Tx, error) {
	if _, ok := ctx.Value(txKey{}).(dialect.Tx); ok {
		return dialect.NopTx(d), nil
	}
	return d.Driver.Tx(ctx)
}

func (d *driver) InTx(ctx context.Context, fn func(context.Context) error) error {
	if _, ok := ctx.Value(txKey{}).(dialect.Tx); ok {
		return fn(ctx)
	}
	t, err := d.Driver.Tx(ctx)
	if err != nil {
		return err
	}
	inner, hooks := tx.NewContext(context.WithValue(ctx, txKey{}, t))
	if err := fn(inner); err != nil {
		return errors.Join(err, t.Rollback())
	}
	if err := t.Commit(); err != nil {
		return err
	}
	hooks.Run(ctx)
	return nil
}

// fixture is an authorizer on a migrated database of its own.
type fixture struct {
	*Authorizer
	driver    *driver
	client    *ent.Client
	announced *announcements
}

// onEngines runs a test on SQLite, and on Postgres when PLATFORM_TEST_POSTGRES_DSN names one.
func onEngines(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newFixture(t, openSQLite(t), sample))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newFixture(t, openPostgres(t), sample))
	})
}

func newFixture(t testing.TB, d *driver, c Catalog) fixture {
	t.Helper()
	f := fixture{driver: d, client: ent.NewClient(ent.Driver(d)), announced: &announcements{}}
	var err error
	f.Authorizer, err = New(f.client, d, c, f.announced)
	require.NoError(t, err)
	return f
}

func openSQLite(t testing.TB) *driver {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
		"&_pragma=foreign_keys(1)&_pragma=synchronous(0)&_txlock=immediate&_time_format=sqlite")
	require.NoError(t, err)
	return migrated(t, db, dialect.SQLite, "sqlite", goose.DialectSQLite3)
}

func openPostgres(t testing.TB) *driver {
	t.Helper()
	dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN")
	switch required := slices.Contains(strings.Split(os.Getenv("PLATFORM_TEST_REQUIRE"), ","), "postgres"); {
	case dsn == "" && required:
		dsn = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	case dsn == "":
		t.Skip("PLATFORM_TEST_POSTGRES_DSN is not set")
	}
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	schema := "authz_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { _ = admin.Close() })
	_, err = admin.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
	})
	cfg.RuntimeParams["search_path"] = schema
	return migrated(t, stdlib.OpenDB(*cfg), dialect.Postgres, "postgres", goose.DialectPostgres)
}

func migrated(t testing.TB, db *sql.DB, name, folder string, gooseName goose.Dialect) *driver {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	files, err := fs.Sub(migrations, "migrations/"+folder)
	require.NoError(t, err)
	p, err := goose.NewProvider(gooseName, db, files)
	require.NoError(t, err)
	_, err = p.Up(t.Context())
	require.NoError(t, err)
	return &driver{Driver: entsql.OpenDB(name, db), db: db}
}

// as is a context in which user acts in tenant t.
func as(ctx context.Context, t, user uuid.UUID) context.Context {
	return tenant.NewContext(auth.NewContext(ctx, &auth.Caller{UserID: user, TenantID: t}), t)
}

// permit gives a tenant's own role some permissions.
func (f fixture) permit(t testing.TB, id uuid.UUID, role string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		err := f.Adapter(t.Context()).AddPolicy("p", "p", []string{role, id.String(), pattern, ""})
		require.NoError(t, err)
	}
}

// raw stores a row that the package itself would refuse.
func (f fixture) raw(t testing.TB, id uuid.UUID, ptype string, v ...string) {
	t.Helper()
	v = append(v, "")
	err := f.client.Rule.Create().SetTenantID(id).SetPtype(ptype).SetV0(v[0]).SetV1(v[1]).SetV2(v[2]).SetV3(v[3]).Exec(t.Context())
	require.NoError(t, err)
}

func requireDenied(t testing.TB, err error) {
	t.Helper()
	p := problem.From(err)
	require.Equal(t, problem.Forbidden, p.Kind, "%v", err)
	require.Equal(t, "authz.denied", p.Code)
}
