package database_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

// locked is the driver over the tables of all modules, with a row for each of two tenants in every table with a tenant.
// It is used without ent, so without the interceptor that is the first lock.
type locked struct {
	bench
	login       *stdsql.DB // a superuser, whom no policy binds
	tables      []string
	ours, other tenant.ID
}

func newLocked(t testing.TB) locked {
	t.Helper()
	if !testapp.Postgres() {
		t.Skip("only on Postgres")
	}
	url := testapp.FreshDatabase(t, modules.All())
	l := locked{bench: bench{openAt(t, url, nil)}, ours: uuid.New(), other: uuid.New()}
	require.NoError(t, l.Confine(t.Context(), config.Production))
	var err error
	l.login, err = stdsql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.login.Close()) })
	l.tables = l.list(t, `SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE c.column_name = 'tenant_id' AND c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1`)
	require.Subset(t, l.tables, []string{"blog_posts", "identity_sessions", "identity_memberships", "authz_rules", "audit_events"})
	for _, table := range l.tables {
		l.past(t, `ALTER TABLE "`+table+`" DISABLE TRIGGER USER`) // the policies stand alone
		for _, id := range []tenant.ID{l.ours, l.other} {
			l.past(t, l.row(t, table, id))
		}
	}
	return l
}

func openAt(t testing.TB, url string, change func(*database.Config)) *database.Driver {
	t.Helper()
	cfg := database.DefaultConfig()
	cfg.URL = config.URL(url)
	if change != nil {
		change(&cfg)
	}
	d, err := database.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	return d
}

// past runs a statement past policies, foreign keys and triggers.
func (l locked) past(t testing.TB, statement string) {
	t.Helper()
	_, err := l.login.ExecContext(t.Context(), "SET session_replication_role = replica; "+statement+"; SET session_replication_role = origin")
	require.NoError(t, err, statement)
}

func (l locked) list(t testing.TB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := l.login.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, rows.Err())
	return all
}

// row is a statement that inserts a row of a tenant, with something in every column that needs it.
func (l locked) row(t testing.TB, table string, id tenant.ID) string {
	t.Helper()
	columns, values := []string{"tenant_id"}, []string{"'" + id.String() + "'"}
	for _, c := range l.list(t, `SELECT column_name || ' ' || udt_name FROM information_schema.columns WHERE table_schema = current_schema()
		AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND column_name <> 'tenant_id'`, table) {
		name, kind, _ := strings.Cut(c, " ")
		value, known := map[string]string{
			"uuid": "gen_random_uuid()", "text": "md5(random()::text)", "varchar": "md5(random()::text)", "bool": "false",
			"int2": "1", "int4": "(random()*1e9)::int", "int8": "(random()*1e15)::bigint", "float8": "1", "numeric": "1",
			"timestamptz": "now()", "bytea": "decode(md5(random()::text), 'hex')", "jsonb": "'{}'", "json": "'{}'", "_text": "'{}'",
		}[kind]
		require.True(t, known, "%s.%s is a %s: say here what such a column may hold", table, name, kind)
		columns, values = append(columns, `"`+name+`"`), append(values, value)
	}
	return fmt.Sprintf(`INSERT INTO "%s" (%s) VALUES (%s)`, table, strings.Join(columns, ", "), strings.Join(values, ", "))
}

func (l locked) count(t require.TestingT, ctx context.Context, table, where string) int {
	return l.number(t, ctx, `SELECT count(*) FROM "`+table+`" WHERE `+where)
}

// touched is how many rows a statement changes.
func (l locked) touched(ctx context.Context, statement string) (n int64, err error) {
	var result stdsql.Result
	if err = l.Exec(ctx, statement, []any{}, &result); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

const policyViolated = "violates row-level security policy"

func TestWithoutTheFirstLockNothingOfAnotherTenantIsReached(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	require.Equal(t, []string{"true"}, l.list(t, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"), "the login could do everything")
	ours, nobody := tenant.NewContext(t.Context(), l.ours), t.Context()
	system := tenant.System(t.Context(), "a test")
	theirs := "tenant_id = '" + l.other.String() + "'"
	for _, table := range l.tables {
		require.Equal(t, 1, l.count(t, ours, table, "true"), "%s: our row", table)
		require.Zero(t, l.count(t, ours, table, theirs), "%s: their row", table)
		require.Zero(t, l.count(t, nobody, table, "tenant_id <> '"+uuid.Nil.String()+"'"), "%s: no tenant", table)
		require.Equal(t, 2, l.count(t, system, table, "tenant_id IN ('"+l.ours.String()+"', '"+l.other.String()+"')"), "%s: system scope", table)

		for _, ctx := range []context.Context{ours, nobody} {
			for _, statement := range []string{
				`UPDATE "` + table + `" SET tenant_id = tenant_id WHERE ` + theirs,
				`DELETE FROM "` + table + `" WHERE ` + theirs,
				`DELETE FROM "` + table + `" WHERE tenant_id NOT IN ('` + l.ours.String() + `')`,
			} {
				n, err := l.touched(ctx, statement)
				require.NoError(t, err, "%s: %s", table, statement)
				require.Zero(t, n, "%s: %s", table, statement)
			}
			_, err := l.touched(ctx, l.row(t, table, l.other))
			require.ErrorContains(t, err, policyViolated, "%s: a row of another tenant", table)
		}
		_, err := l.touched(ours, `UPDATE "`+table+`" SET `+theirs)
		require.ErrorContains(t, err, policyViolated, "%s: our row is given away", table)
		require.Equal(t, []string{"1"}, l.list(t, `SELECT count(*) FROM "`+table+`" WHERE `+theirs), "%s: their row is there", table)
	}
}

// The scope follows the context of each statement, in one transaction and across savepoints.
func TestTheScopeIsThatOfTheStatement(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	scopes := map[string]struct {
		ctx  func(context.Context) context.Context
		want int
	}{
		"ours":   {func(ctx context.Context) context.Context { return tenant.NewContext(ctx, l.ours) }, 1},
		"theirs": {func(ctx context.Context) context.Context { return tenant.NewContext(ctx, l.other) }, 1},
		"nobody": {func(ctx context.Context) context.Context { return tenant.NewContext(ctx, uuid.Nil) }, 0},
		"system": {func(ctx context.Context) context.Context { return tenant.System(ctx, `it's \ "odd"`) }, 2},
	}
	mine := errors.New("mine")
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"ours", "theirs", "nobody", "system", "savepoint", "rollback", "simple"}), 1, 12).Draw(rt, "steps")
		_ = l.InTx(t.Context(), func(ctx context.Context) error {
			scope := scopes["nobody"]
			l.exec(rt, scope.ctx(ctx), "SAVEPOINT here")
			for _, step := range steps {
				switch step {
				case "savepoint":
					l.exec(rt, scope.ctx(ctx), "SAVEPOINT here")
				case "rollback":
					l.exec(rt, scope.ctx(ctx), "ROLLBACK TO SAVEPOINT here")
				case "simple": // without parameters: the other protocol
					n, err := l.touched(scope.ctx(ctx), "UPDATE blog_posts SET title = title")
					require.NoError(rt, err)
					require.Equal(rt, int64(scope.want), n)
				default:
					scope = scopes[step]
				}
				require.Equal(rt, scope.want, l.count(rt, scope.ctx(ctx), "blog_posts", "true"), "after %s", step)
			}
			return mine
		})
	})
}

func TestTenantsThatWorkAtOnceDoNotMix(t *testing.T) {
	t.Parallel()
	l := newLocked(t)
	var workers sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		id := l.ours
		if i%2 == 0 {
			id = l.other
		}
		see := func(ctx context.Context) error {
			var rows entsql.Rows
			if err := l.Query(ctx, "SELECT tenant_id FROM blog_posts WHERE title <> $1", []any{""}, &rows); err != nil {
				return err
			}
			var found []uuid.UUID
			if err := errors.Join(entsql.ScanSlice(&rows, &found), rows.Close()); err != nil {
				return err
			}
			if len(found) != 1 || found[0] != id {
				return fmt.Errorf("tenant %s sees %v", id, found)
			}
			return nil
		}
		workers.Go(func() {
			for n := range 50 {
				ctx := tenant.NewContext(context.Background(), id)
				if n%2 == 0 {
					errs[i] = errors.Join(errs[i], see(ctx))
					continue
				}
				errs[i] = errors.Join(errs[i], l.InTx(ctx, func(ctx context.Context) error { return errors.Join(see(ctx), see(ctx)) }))
			}
		})
	}
	workers.Wait()
	require.NoError(t, errors.Join(errs...))
}
