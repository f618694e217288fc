package database_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

func TestALastStatementGoesWithTheCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, b.ExecAtCommit(ctx, "INSERT INTO things (id) VALUES ('last')"))
		b.insert(t, ctx, "a")
		return nil
	}))
	require.Equal(t, 2, b.number(t, t.Context(), howMany))
	require.ErrorContains(t, b.ExecAtCommit(t.Context(), "DELETE FROM things"), "no transaction")

	mine := errors.New("mine")
	require.Equal(t, mine, b.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, b.ExecAtCommit(ctx, "DELETE FROM things"))
		return mine
	}))
	require.Equal(t, 2, b.number(t, t.Context(), howMany), "what is rolled back takes it along")
	for range 20 { // on whatever connection
		require.NoError(t, b.InTx(t.Context(), func(context.Context) error { return nil }))
	}
	require.Equal(t, 2, b.number(t, t.Context(), howMany))
}

func TestWhenTheLastStatementFailsNothingIsCommitted(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t)
	b.insert(t, t.Context(), "last")
	for range 5 {
		err := b.InTx(t.Context(), func(ctx context.Context) error {
			tx.AfterCommit(ctx, func(context.Context) { t.Error("must not run") })
			b.insert(t, ctx, "a")
			return b.ExecAtCommit(ctx, "INSERT INTO things (id) VALUES ('last')")
		})
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "things", refused.TableName)
		require.Equal(t, 1, b.number(t, t.Context(), howMany))
	}
	require.ErrorContains(t, b.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, b.ExecAtCommit(ctx, "SELECT 1"))
		return b.ExecAtCommit(ctx, "SELECT 1")
	}), "another statement waits")
}

// Whose transaction it is may change on the way: what the audit trail writes at the end is in the scope of all.
func TestTheLastStatementIsInTheScopeOfItsContext(t *testing.T) {
	t.Parallel()
	onPostgres(t)
	b := newBench(t)
	b.exec(t, t.Context(), "CREATE TABLE seen (tenant text, system text, bytes bytea)")
	id := uuid.New()
	require.NoError(t, b.InTx(tenant.NewContext(t.Context(), id), func(ctx context.Context) error {
		err := b.ExecAtCommit(ctx, `INSERT INTO seen VALUES (current_setting('platform.tenant'), current_setting('platform.system'), `+database.Hex([]byte{0, 255, '\''})+`)`)
		b.insert(t, tenant.System(ctx, "a test"), "a")
		return err
	}))
	require.Equal(t, 1, b.number(t, t.Context(), "SELECT count(*) FROM seen WHERE system = '' AND bytes = '\\x00ff27'::bytea AND tenant = '"+id.String()+"'"))
}
