package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/tenant"
)

// flood enqueues many jobs of one tenant in one transaction.
func (r *rig) flood(t *testing.T, id uuid.UUID, n int) {
	t.Helper()
	require.NoError(t, r.Database.InTx(tenant.NewContext(t.Context(), id), func(ctx context.Context) error {
		for i := range n {
			if _, err := r.jobs.Enqueue(ctx, work{N: i}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestABusyTenantDoesNotHoldUpTheOthers(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		busy, small := uuid.New(), uuid.New()
		var mine, theirs atomic.Int32
		var before atomic.Int32 // how many of the busy tenant were begun before the last of the small one
		r := newRig(t, does(func(ctx context.Context, _ work) error {
			if id, _ := tenant.FromContext(ctx); id == busy {
				theirs.Add(1)
				<-time.After(2 * time.Millisecond)
			} else if mine.Add(1) == 10 {
				before.Store(theirs.Load())
			}
			return nil
		}), append(set, "jobs.fairness=true", "jobs.queues=default=4")...)
		require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", true))
		r.flood(t, busy, 300)
		require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", false))
		require.Eventually(t, func() bool { return theirs.Load() > 20 }, patience, time.Millisecond)
		r.flood(t, small, 10)
		r.settled(t)
		require.EqualValues(t, 300, theirs.Load())
		require.EqualValues(t, 10, mine.Load())
		require.Less(t, before.Load(), int32(200), "the ten had to wait for the three hundred")
	})
}

func TestATenantHasNoMoreJobsAtOnceThanAllowed(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var mu sync.Mutex
		now, most := map[uuid.UUID]int{}, 0
		change := func(id uuid.UUID, by int) {
			mu.Lock()
			defer mu.Unlock()
			now[id] += by
			most = max(most, now[id])
		}
		r := newRig(t, does(func(ctx context.Context, _ work) error {
			id, _ := tenant.FromContext(ctx)
			change(id, 1)
			defer change(id, -1)
			<-time.After(5 * time.Millisecond)
			return nil
		}), append(set, "jobs.tenant_concurrency=2")...)
		r.flood(t, uuid.New(), 40)
		r.flood(t, uuid.New(), 40)
		r.settled(t)
		require.LessOrEqual(t, most, 2)
		require.Len(t, r.Rows(t, "SELECT id FROM jobs_jobs WHERE state = 6"), 80)
	})
}

func TestATenantBeginsNoMoreJobsInASecondThanAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, does(func(context.Context, work) error { return nil }), "jobs.tenant_rate=10")
	begun := time.Now()
	r.flood(t, uuid.New(), 30)
	r.settled(t)
	require.Greater(t, time.Since(begun), 1900*time.Millisecond, "ten at once, and ten in each second")
}

func TestATenantWithMoreWeightHasMoreTurns(t *testing.T) {
	t.Parallel()
	heavy, light := uuid.New(), uuid.New()
	var order seen
	r := newRig(t, does(func(ctx context.Context, _ work) error {
		id, _ := tenant.FromContext(ctx)
		order.add("%s", id)
		return nil
	}), "jobs.fairness=true", "jobs.queues=default=1", fmt.Sprintf("jobs.tenant_weights=%s=3", heavy))
	require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", true))
	r.flood(t, light, 100)
	r.flood(t, heavy, 100)
	require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", false))
	r.settled(t)
	count := map[string]int{}
	for _, id := range order.list()[:80] {
		count[id]++
	}
	require.Greater(t, count[heavy.String()], 2*count[light.String()], "%v", count)
	require.Positive(t, count[light.String()])
}
