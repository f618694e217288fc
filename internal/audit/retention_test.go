package audit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// at lets everything happen at a time.
func (tr *trail) at(now time.Time) {
	tr.now, tr.chain.now = func() time.Time { return now }, func() time.Time { return now }
}

func (tr *trail) tidy(t require.TestingT, retention time.Duration) int {
	n, err := NewRetention(Config{Retention: retention}, tr.chain).Tidy(context.Background())
	require.NoError(t, err)
	return n
}

func TestRetentionKeepsTheChainVerifiable(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		a, b, start := uuid.New(), uuid.New(), time.Now().UTC().Truncate(time.Microsecond)
		const day = 24 * time.Hour
		tr.fill(t, a, 7)
		tr.fill(t, b, 2)
		tr.at(start.Add(2 * day))
		tr.fill(t, a, 4)
		tr.at(start.Add(10 * day))
		require.Zero(t, tr.tidy(t, 0))
		require.Zero(t, tr.tidy(t, 20*day))
		require.Equal(t, 9, tr.tidy(t, 9*day))
		require.Zero(t, tr.tidy(t, 9*day))
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Equal(t, 4, report.Events)
		require.Equal(t, 2, report.Tenants, "the anchor of a tenant without events stays")
		require.Equal(t, []string{"2"}, tr.column(t, "SELECT COUNT(*) FROM audit_checkpoints"))
		require.Empty(t, verifyExport(t, tr.export(t, a)).Faults)
		require.Empty(t, verifyExport(t, tr.export(t, b)).Faults)

		tr.fill(t, a, 2)
		tr.fill(t, b, 2)
		require.Empty(t, tr.verify(t).Faults)
		require.Equal(t, []string{"3", "4"}, tr.column(t, "SELECT seq FROM audit_links WHERE tenant_id = '"+b.String()+"' ORDER BY seq"))

		tr.at(start.Add(30 * day))
		require.Equal(t, 8, tr.tidy(t, day))
		require.Empty(t, tr.verify(t).Faults)
		require.Equal(t, []string{"2"}, tr.column(t, "SELECT COUNT(*) FROM audit_anchors"), "one for each tenant")
		tr.fill(t, a, 1)
		require.Empty(t, tr.verify(t).Faults)
		require.Empty(t, verifyExport(t, tr.export(t, a)).Faults)
	})
}

func TestRetentionRemovesMoreThanABatch(t *testing.T) {
	t.Parallel()
	tr, of := newTrail(openSQLite(t)), uuid.New()
	ctx := tenant.NewContext(t.Context(), of)
	require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
		for range 2*batch + 50 {
			if err := tr.Record(ctx, audit.Entry{Action: "blog.post.create"}); err != nil {
				return err
			}
		}
		return nil
	}))
	tr.seal(t)
	tr.at(time.Now().Add(48 * time.Hour))
	require.Equal(t, 2*batch+50, tr.tidy(t, 24*time.Hour))
	require.Empty(t, tr.verify(t).Faults)
}

func TestRetentionKeepsWhatCannotBeProven(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		bad, good := uuid.New(), uuid.New()
		tr.fill(t, bad, 5)
		tr.fill(t, good, 5)
		tr.exec(t, "UPDATE audit_events SET target = 'x' WHERE tenant_id = '"+bad.String()+"' AND target = 'blog.post:3'")
		tr.at(time.Now().Add(48 * time.Hour))
		n, err := NewRetention(Config{Retention: 24 * time.Hour}, tr.chain).Tidy(t.Context())
		require.ErrorContains(t, err, bad.String())
		require.Equal(t, 5, n)
		require.Equal(t, []string{"5"}, tr.column(t, "SELECT COUNT(*) FROM audit_events"))
		require.Len(t, tr.verify(t).Faults, 1)
	})
}

// The triggers let go what an anchor covers, and nothing else.
func TestTheTablesGiveUpNothingElse(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		a, b := uuid.New(), uuid.New()
		tr.fill(t, a, 3)
		tr.fill(t, b, 3)
		tr.at(time.Now().Add(48 * time.Hour))
		tr.tidy(t, 24*time.Hour)
		tr.at(time.Now())
		tr.fill(t, a, 4)
		tr.fill(t, b, 1)
		require.NoError(t, tr.Record(tenant.NewContext(t.Context(), a), audit.Entry{Action: "blog.post.create"}))
		before := tr.verify(t)
		statements := []string{
			"DELETE FROM audit_events", "DELETE FROM audit_links", "DELETE FROM audit_checkpoints", "DELETE FROM audit_anchors",
			"DELETE FROM audit_unsealed", "DELETE FROM audit_keys", "DELETE FROM audit_head",
			"UPDATE audit_events SET target = ''", "UPDATE audit_links SET seq = seq + 1", "UPDATE audit_checkpoints SET seq = 1",
			"UPDATE audit_anchors SET seq = 100", "UPDATE audit_keys SET algorithm = ''", "UPDATE audit_head SET number = 0", "UPDATE audit_head SET floor = 0",
			// Links that another tenant's anchor would cover, and an anchor of something that is not there.
			"DELETE FROM audit_links WHERE tenant_id = '" + b.String() + "'",
			"INSERT INTO audit_anchors (id, tenant_id, seq, hash, time, key_id, signature) SELECT '" + forged + "', tenant_id, seq + 1000, hash, time, key_id, signature FROM audit_anchors WHERE tenant_id = '" + a.String() + "'",
		}
		if tr.d.Dialect() == "postgres" {
			for _, table := range tables {
				statements = append(statements, "TRUNCATE audit_"+table)
			}
		} else {
			for _, table := range []string{"links", "checkpoints", "anchors", "keys", "head"} {
				statements = append(statements, "INSERT OR REPLACE INTO audit_"+table+" SELECT * FROM audit_"+table)
			}
		}
		for _, statement := range statements {
			require.Error(t, tr.d.Exec(t.Context(), statement, []any{}, nil), statement)
		}
		require.Equal(t, before, tr.verify(t))

		// Whoever forges an anchor can make room for it, and is named.
		tr.run(t, "INSERT INTO audit_anchors (id, tenant_id, seq, hash, time, key_id, signature) SELECT '"+forged+
			"', l.tenant_id, l.seq, l.hash, a.time, a.key_id, a.signature FROM audit_links l JOIN audit_anchors a ON a.tenant_id = l.tenant_id WHERE l.tenant_id = '"+a.String()+"' AND l.seq = 5")
		tr.run(t, "DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_links WHERE tenant_id = '"+a.String()+"' AND seq <= 5)")
		tr.run(t, "DELETE FROM audit_links WHERE tenant_id = '"+a.String()+"' AND seq <= 5")
		report := tr.verify(t)
		for _, seq := range []int64{4, 5} {
			require.True(t, row{table: "audit_links", tenant: a.String(), seq: seq}.named(report), report.Faults)
		}
	})
}

// Whoever verifies a running platform finds nothing but what is wrong.
func TestVerifyingBesideTheWorkFindsNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		of, writer := uuid.New(), newTrail(tr.d)
		done := make(chan struct{})
		var group sync.WaitGroup
		errs := make(chan error, 1000)
		group.Go(func() {
			defer close(done)
			future := time.Now().Add(time.Hour)
			for n := range 60 {
				writer.at(future.Add(time.Duration(n) * time.Hour))
				errs <- writer.Record(tenant.NewContext(context.Background(), of), audit.Entry{Action: "blog.post.create", Target: fmt.Sprint(n)})
				_, err := writer.chain.Seal(context.Background())
				errs <- err
				_, err = NewRetention(Config{Retention: 24 * time.Hour}, writer.chain).Tidy(context.Background())
				errs <- err
			}
		})
		for working := true; working; {
			select {
			case <-done:
				working = false
			default:
			}
			require.Empty(t, tr.verify(t).Faults)
		}
		group.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
	})
}
