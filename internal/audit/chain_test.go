package audit

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestACommittedEventIsSealedAndProven(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		require.Empty(t, tr.verify(t).Faults)
		a, b := uuid.New(), uuid.New()
		tr.fill(t, a, 7)
		tr.fill(t, b, 2)
		tr.fill(t, uuid.Nil, 1)
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Equal(t, 3, report.Tenants)
		require.Equal(t, 10, report.Events)
		require.Equal(t, 5, report.Checkpoints)
		require.Zero(t, report.Unsealed)
		require.Len(t, report.Keys, 1)
		require.Zero(t, tr.seal(t))
	})
}

func TestWhatIsNotSealedYetIsNoTampering(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		tr.fill(t, uuid.New(), 4)
		require.NoError(t, tr.Record(tenant.NewContext(t.Context(), uuid.New()), audit.Entry{Action: "blog.post.create"}))
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Equal(t, 1, report.Unsealed)
		require.Equal(t, 4, report.Events)
	})
}

func TestStoppingSealsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		require.NoError(t, tr.chain.Start(t.Context()))
		for range 5 {
			require.NoError(t, tr.Record(tenant.NewContext(t.Context(), uuid.New()), audit.Entry{Action: "blog.post.create"}))
		}
		require.NoError(t, tr.chain.Stop(t.Context()))
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Zero(t, report.Unsealed)
		require.Equal(t, 5, report.Events)
	})
}

func TestSealersShareTheWork(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		other := newTrail(tr.d)
		tenants := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
		var group sync.WaitGroup
		errs := make(chan error, 1000)
		for i, replica := range []*trail{tr, other, tr, other} {
			group.Go(func() {
				for n := range 40 {
					ctx := tenant.NewContext(context.Background(), tenants[(n+i)%3])
					errs <- replica.Record(ctx, audit.Entry{Action: "blog.post.create", Target: fmt.Sprint(i, n)})
					if n%4 == 0 {
						_, err := replica.chain.seal(ctx, n%8 == 0)
						errs <- err
					}
				}
			})
		}
		group.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		tr.seal(t)
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Equal(t, 160, report.Events)
		require.Len(t, report.Keys, 1)
	})
}

func TestReplicasThatStartTogetherMakeOneKey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		tr.exec(t, "DELETE FROM audit_keys", "DELETE FROM audit_head", "INSERT INTO audit_head (id, number, floor) VALUES (1, 0, 0)")
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { newTrail(tr.d) })
		}
		group.Wait()
		require.Equal(t, []string{"1"}, tr.column(t, "SELECT COUNT(*) FROM audit_keys"))
	})
}

func TestATrailFromBeforeTheChainIsSealedAsItIs(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, d *database.Driver) {
		row := func() string {
			return "INSERT INTO audit_events (id, tenant_id, time, permission, target, outcome, ip, request_id, reason) VALUES ('" + uuid.Must(uuid.NewV7()).String() +
				"', '" + uuid.NewString() + "', '2026-01-02 03:04:05.000006+00:00', 'blog.post.read', '', 'succeeded', '', '', '')"
		}
		for range 3 {
			require.NoError(t, d.Exec(t.Context(), row(), []any{}, nil))
		}
		tr := newTrail(d)
		report := tr.verify(t)
		require.Empty(t, report.Faults)
		require.Equal(t, 3, report.Events)

		// From now on nobody adds a row but the platform.
		require.NoError(t, d.Exec(t.Context(), row(), []any{}, nil))
		tr.fill(t, uuid.New(), 2)
		report = tr.verify(t)
		require.Equal(t, 5, report.Events)
		require.Len(t, report.Faults, 1)
		require.Equal(t, Inserted, report.Faults[0].Kind)
	})
}

func TestARecordNeedsTheKeys(t *testing.T) {
	t.Parallel()
	tr := newTrail(openSQLite(t))
	tr.Log.keys.current.Store(&keySet{})
	require.ErrorContains(t, tr.Record(t.Context(), audit.Entry{Action: "blog.post.create"}), "keys are not loaded")
}
