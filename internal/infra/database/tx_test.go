package database_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tx"
)

// bench is a database with the table things, on the engine of this run.
type bench struct{ *database.Driver }

func newBench(t *testing.T, change ...func(*database.Config)) bench {
	t.Helper()
	cfg := database.DefaultConfig()
	cfg.URL, cfg.Synchronous = config.URL(testapp.EmptyDatabase(t)), "normal"
	for _, c := range change {
		c(&cfg)
	}
	d, err := database.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	b := bench{d}
	b.exec(t, t.Context(), "CREATE TABLE things (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0)")
	return b
}

func (b bench) exec(t require.TestingT, ctx context.Context, query string) {
	require.NoError(t, b.Exec(ctx, query, []any{}, nil))
}

func (b bench) insert(t require.TestingT, ctx context.Context, id string) {
	b.exec(t, ctx, "INSERT INTO things (id) VALUES ('"+id+"')")
}

// number returns the one number of a query.
func (b bench) number(t require.TestingT, ctx context.Context, query string) (n int) {
	var rows entsql.Rows
	require.NoError(t, b.Query(ctx, query, []any{}, &rows))
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&n))
	require.NoError(t, rows.Close())
	return n
}

const howMany = "SELECT COUNT(*) FROM things"

func TestATransactionCommitsAsAWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.InTx(t.Context(), func(ctx context.Context) error {
		b.insert(t, ctx, "a")
		b.insert(t, ctx, "b")
		require.Equal(t, 2, b.number(t, ctx, howMany), "it reads its own writes")
		require.Zero(t, b.number(t, t.Context(), howMany), "nobody else does")
		return nil
	}))
	require.Equal(t, 2, b.number(t, t.Context(), howMany))
}

func TestAnErrorRollsBackAndComesBackAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := errors.New("mine")
	err := b.InTx(t.Context(), func(ctx context.Context) error {
		b.insert(t, ctx, "a")
		tx.AfterCommit(ctx, func(context.Context) { t.Error("must not run") })
		return mine
	})
	require.Equal(t, mine, err)
	require.Zero(t, b.number(t, t.Context(), howMany))
}

func TestAPanicRollsBackAndGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.PanicsWithValue(t, "boom", func() {
		_ = b.InTx(t.Context(), func(ctx context.Context) error {
			b.insert(t, ctx, "a")
			tx.AfterCommit(ctx, func(context.Context) { t.Error("must not run") })
			panic("boom")
		})
	})
	require.Zero(t, b.number(t, t.Context(), howMany))
	b.insert(t, t.Context(), "b") // the writer is free again
}

func TestWhatWaitsForTheCommitRunsAfterItInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var ran []string
	after := func(ctx context.Context, name string) {
		tx.AfterCommit(ctx, func(ctx context.Context) {
			require.Equal(t, 2, b.number(t, ctx, howMany), "the commit is there")
			require.NoError(t, b.InTx(ctx, func(context.Context) error { return nil }), "no transaction is left in the context")
			ran = append(ran, name)
		})
	}
	require.NoError(t, b.InTx(t.Context(), func(ctx context.Context) error {
		after(ctx, "first")
		b.insert(t, ctx, "a")
		require.NoError(t, b.InTx(ctx, func(ctx context.Context) error {
			after(ctx, "nested")
			b.insert(t, ctx, "b")
			return nil
		}))
		after(ctx, "last")
		require.Empty(t, ran)
		return nil
	}))
	require.Equal(t, []string{"first", "nested", "last"}, ran)
}

func TestANestedErrorCannotBeIgnored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := errors.New("mine")
	err := b.InTx(t.Context(), func(ctx context.Context) error {
		b.insert(t, ctx, "a")
		tx.AfterCommit(ctx, func(context.Context) { t.Error("must not run") })
		require.Equal(t, mine, b.InTx(ctx, func(context.Context) error { return mine }))
		again := b.InTx(ctx, func(context.Context) error { t.Error("must not run"); return nil })
		require.ErrorIs(t, again, mine)
		return nil // as if nothing had happened
	})
	require.ErrorIs(t, err, mine)
	require.ErrorContains(t, err, "cannot commit")
	require.Zero(t, b.number(t, t.Context(), howMany))
}

func TestACallerThatLeavesRollsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := b.InTx(ctx, func(ctx context.Context) error {
		b.insert(t, ctx, "a")
		tx.AfterCommit(ctx, func(context.Context) { t.Error("must not run") })
		cancel()
		require.ErrorIs(t, b.Exec(ctx, "INSERT INTO things (id) VALUES ('b')", []any{}, nil), context.Canceled)
		return nil // without looking
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, b.number(t, t.Context(), howMany))
	b.insert(t, t.Context(), "c")
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.insert(t, t.Context(), "a")
	lock := "" // SQLite has one writer; Postgres locks the row
	if testapp.Postgres() {
		lock = " FOR UPDATE"
	}
	var writers sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		writers.Go(func() {
			for range 5 {
				errs[i] = errors.Join(errs[i], b.InTx(t.Context(), func(ctx context.Context) error {
					n := b.number(t, ctx, "SELECT n FROM things WHERE id = 'a'"+lock)
					return b.Exec(ctx, b.set(n+1), []any{}, nil)
				}))
			}
		})
	}
	writers.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, 80, b.number(t, t.Context(), "SELECT n FROM things WHERE id = 'a'"))
}

// ent opens a transaction of its own for a mutation of several statements.
func TestTheTransactionsOfEntJoin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := errors.New("mine")
	require.Equal(t, mine, b.InTx(t.Context(), func(ctx context.Context) error {
		inner, err := b.Tx(ctx)
		require.NoError(t, err)
		require.NoError(t, inner.Exec(ctx, "INSERT INTO things (id) VALUES ('a')", []any{}, nil))
		require.NoError(t, inner.Commit())
		return mine
	}))
	require.Zero(t, b.number(t, t.Context(), howMany))

	for name, end := range map[string]int{"commit": 1, "rollback": 0} {
		own, err := b.Tx(t.Context())
		require.NoError(t, err)
		require.NoError(t, own.Exec(t.Context(), "INSERT INTO things (id) VALUES ('b')", []any{}, nil))
		if name == "commit" {
			require.NoError(t, own.Commit())
			require.Error(t, own.Rollback(), "it is over")
		} else {
			require.NoError(t, own.Rollback())
		}
		require.Equal(t, end, b.number(t, t.Context(), howMany), name)
		b.exec(t, t.Context(), "DELETE FROM things")
	}
}

func (bench) set(n int) string { return "UPDATE things SET n = " + strconv.Itoa(n) + " WHERE id = 'a'" }
