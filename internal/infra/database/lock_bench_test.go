package database_test

import (
	"context"
	"database/sql"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

// BenchmarkReadByKey compares a read by primary key through pgx alone, as a login that no policy binds, with the same read
// in its role and scope.
func BenchmarkReadByKey(b *testing.B) {
	l := newLocked(b)
	id := l.list(b, "SELECT id FROM blog_posts WHERE tenant_id = $1", l.ours)[0]
	const query = "SELECT id, title FROM blog_posts WHERE id = $1"
	ctx := tenant.NewContext(b.Context(), l.ours)
	member := l.newRole(b, "LOGIN BYPASSRLS PASSWORD 'secret'")
	_, err := l.login.ExecContext(b.Context(), "GRANT platform_app TO "+member)
	require.NoError(b, err)
	d := openAt(b, l.as(b, member), nil)
	require.NoError(b, d.Confine(b.Context(), config.Production))
	db, err := sql.Open("pgx", l.as(b, member))
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	b.Run("unlocked", func(b *testing.B) {
		plain := entsql.OpenDB("postgres", db)
		for b.Loop() {
			read(b, ctx, plain, query, id)
		}
	})
	for name, on := range map[string]queries{"locked": d, "locked_superuser": l.Driver} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				read(b, ctx, on, query, id)
			}
		})
	}
	b.Run("locked_in_an_open_transaction", func(b *testing.B) {
		require.NoError(b, d.InTx(ctx, func(ctx context.Context) error {
			for b.Loop() {
				read(b, ctx, d, query, id)
			}
			return nil
		}))
	})
}

type queries interface {
	Query(ctx context.Context, query string, args, v any) error
}

func read(b *testing.B, ctx context.Context, from queries, query, id string) {
	var rows entsql.Rows
	require.NoError(b, from.Query(ctx, query, []any{id}, &rows))
	require.True(b, rows.Next())
	var key, title string
	require.NoError(b, rows.Scan(&key, &title))
	require.NoError(b, rows.Close())
}
