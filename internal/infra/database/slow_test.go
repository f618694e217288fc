package database

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

// openSlow is a database for which every statement is slow, and what it logs from now on.
func openSlow(t *testing.T) (*Driver, *observer.ObservedLogs) {
	t.Helper()
	d := openFile(t)
	core, logs := observer.New(zap.DebugLevel)
	d.sent.log = zap.New(core)
	d.sent.set(Config{SlowQuery: 1, SlowQueryLines: 1000})
	return d, logs
}

func lines(logs *observer.ObservedLogs) (all []map[string]any) {
	for _, e := range logs.TakeAll() {
		all = append(all, e.ContextMap())
	}
	return all
}

func TestASlowStatementIsLoggedWithItsShapeAndWhoItWasFor(t *testing.T) {
	t.Parallel()
	d, logs := openSlow(t)
	id := uuid.New()
	ctx := tenant.NewContext(logger.NewContext(t.Context(), &logger.Request{ID: "r1", TraceID: "t1"}), id)
	require.NoError(t, d.Exec(ctx, "INSERT INTO things (id, n)\n VALUES (?, 7), ('secret', 8)", []any{"hidden"}, nil))
	line := lines(logs)
	require.Len(t, line, 1)
	require.Greater(t, line[0]["took_ms"], -1.0)
	delete(line[0], "took_ms")
	require.Equal(t, map[string]any{
		"pool": "writer", "verb": "insert", "statement": "INSERT INTO things (id, n) VALUES (?, ?), (?, ?)", "rows": int64(2),
		"in_transaction": false, "request_id": "r1", "trace_id": "t1", "tenant_id": id.String(),
	}, line[0])

	var rows entsql.Rows
	require.NoError(t, d.Query(ctx, "SELECT id FROM things", []any{}, &rows))
	require.Empty(t, lines(logs), "it is not over")
	for rows.Next() {
	}
	require.NoError(t, rows.Close())
	line = lines(logs)
	require.Len(t, line, 1)
	require.Equal(t, "readers", line[0]["pool"])
	require.Equal(t, int64(2), line[0]["rows"])
	require.Contains(t, line[0], "first_row_ms")

	err := d.Exec(ctx, "INSERT INTO things (id) VALUES ('secret')", []any{}, nil)
	require.Error(t, err)
	line = lines(logs)
	require.Len(t, line, 1)
	require.Equal(t, true, line[0]["failed"])
	require.NotContains(t, line[0], "error", "it may have values")

	d.sent.set(Config{SlowQuery: time.Hour, SlowQueryLines: 1000})
	require.NoError(t, d.Exec(ctx, "DELETE FROM things", []any{}, nil))
	d.sent.set(Config{SlowQueryLines: 1000})
	require.NoError(t, d.Exec(ctx, "DELETE FROM things", []any{}, nil))
	require.Empty(t, lines(logs), "not slow, and switched off")
}

func TestTheTimeOfATransactionIsSeen(t *testing.T) {
	t.Parallel()
	d, logs := openSlow(t)
	ctx := logger.NewContext(t.Context(), &logger.Request{ID: "r1"})
	failed := errors.New("failed")
	for _, outcome := range []error{nil, failed} {
		require.ErrorIs(t, d.InTx(ctx, func(ctx context.Context) error {
			var outer, inner entsql.Rows // two at once on one connection
			require.NoError(t, d.Query(ctx, "SELECT 1 UNION SELECT 2", []any{}, &outer))
			require.NoError(t, d.Query(ctx, "SELECT 3", []any{}, &inner))
			require.True(t, outer.Next() && inner.Next() && outer.Next())
			require.NoError(t, errors.Join(outer.Close(), inner.Close()))
			return outcome
		}), outcome)
		var verbs, statements []any
		for _, line := range lines(logs) {
			require.Equal(t, "writer", line["pool"])
			require.Equal(t, "r1", line["request_id"])
			require.Equal(t, line["verb"] != "begin", line["in_transaction"])
			verbs, statements = append(verbs, line["verb"]), append(statements, line["statement"])
		}
		end := map[error]any{nil: "commit", failed: "rollback"}[outcome]
		require.Equal(t, []any{"begin", "select", "select", end}, verbs)
		require.Equal(t, []any{nil, "SELECT ? UNION SELECT ?", "SELECT ?", nil}, statements)
	}
	require.NoError(t, d.Exec(ctx, "DELETE FROM things", []any{}, nil))
	require.Equal(t, false, lines(logs)[0]["in_transaction"])
}

func TestWaitingForTheWriterIsSeen(t *testing.T) {
	t.Parallel()
	d, logs := openSlow(t)
	require.NoError(t, d.InTx(t.Context(), func(context.Context) error {
		logs.TakeAll()
		require.ErrorIs(t, d.Exec(t.Context(), "DELETE FROM things", []any{}, nil), ErrBusy)
		return nil
	}))
	line := lines(logs)[0]
	require.Equal(t, []any{"wait", "writer", true}, []any{line["verb"], line["pool"], line["failed"]})
	require.Equal(t, uint64(1), observed(t, d.sent, "writer", "wait"))
}

func TestASlowDatabaseDoesNotFloodTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		s := newStatements(Config{SlowQuery: 1, SlowQueryLines: 3})
		s.log = zap.New(core)
		m := s.of("main")
		for _, wait := range []time.Duration{0, time.Second, time.Hour} {
			time.Sleep(wait)
			for range 1000 {
				m.ended(&measured{ctx: t.Context(), verb: verbSelect, query: "SELECT 1", rows: -1, start: time.Now().Add(-time.Millisecond)})
			}
			all := lines(logs)
			require.Len(t, all, 3)
			if wait > 0 {
				require.Equal(t, int64(997), all[0]["left_out"])
			}
			require.NotContains(t, all[1], "left_out")
		}
		require.Equal(t, uint64(3000), observed(t, s, "main", "select"), "they are all measured")
	})
}

func TestEveryStatementIsMeasuredUnderAWordOfAFixedList(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		" (select 1)": "select", "WITH a AS (SELECT 1) SELECT 2": "select", "Insert INTO t": "insert", "UPDATE t": "update", "delete from t": "delete",
		"": "other", "x": "other", "CREATE TABLE t": "other", "PRAGMA x": "other", "commit": "other",
	} {
		require.Equal(t, want, verbs[verbOf(query)], query)
	}
}

// observed is how many were measured.
func observed(t *testing.T, s *statements, pool, verb string) (n uint64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(s))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, m := range families[0].GetMetric() {
		if l := m.GetLabel(); l[0].GetValue() == pool && l[1].GetValue() == verb {
			n += m.GetHistogram().GetSampleCount()
		}
	}
	return n
}
