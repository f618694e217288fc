package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
)

func onPostgres(t *testing.T) {
	t.Helper()
	if !testapp.Postgres() {
		t.Skip("only on Postgres")
	}
}

func TestAStatementThatTakesTooLongIsCancelled(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t, func(c *database.Config) { c.StatementTimeout = 500 * time.Millisecond })
	require.ErrorIs(t, b.Exec(t.Context(), "SELECT pg_sleep(60)", []any{}, nil), database.ErrTimeout)
}

func TestALockThatIsNotFreeInTimeIsBusy(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t, func(c *database.Config) { c.LockTimeout = 50 * time.Millisecond })
	b.insert(t, t.Context(), "a")
	require.NoError(t, b.InTx(t.Context(), func(ctx context.Context) error {
		b.exec(t, ctx, "UPDATE things SET n = 1")
		require.ErrorIs(t, b.Exec(t.Context(), "UPDATE things SET n = 2", []any{}, nil), database.ErrBusy)
		return nil
	}))
}

func TestAConnectionThatIsLostRollsBackAndTheNextWorks(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t)
	err := b.InTx(t.Context(), func(ctx context.Context) error {
		b.insert(t, ctx, "a")
		pid := b.number(t, ctx, "SELECT pg_backend_pid()")
		require.NoError(t, b.Exec(t.Context(), "SELECT pg_terminate_backend($1)", []any{pid}, nil))
		return b.Exec(ctx, "INSERT INTO things (id) VALUES ('b')", []any{}, nil)
	})
	require.ErrorIs(t, err, database.ErrUnavailable)
	require.Zero(t, b.number(t, t.Context(), howMany))
}

func TestAReadOnlyServerIsNamed(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t)
	err := b.InTx(t.Context(), func(ctx context.Context) error {
		b.exec(t, ctx, "SET TRANSACTION READ ONLY")
		return b.Exec(ctx, "INSERT INTO things (id) VALUES ('a')", []any{}, nil)
	})
	require.ErrorIs(t, err, database.ErrReadOnly)
}
