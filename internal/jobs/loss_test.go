package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/job"
)

func TestNothingIsLostThoughRedisIsFlushedAndRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	broker := testbroker.Redis(t)
	var r *rig
	ready := make(chan struct{})
	r = newRig(t, does(func(ctx context.Context, w work) error {
		<-ready
		<-time.After(5 * time.Millisecond)
		return r.effect(ctx, w.N)
	}), through(broker)...)
	close(ready)
	n := 0
	enqueue := func(count int) {
		r.enqueueMany(t, n, count)
		n += count
	}
	for range 3 {
		enqueue(200)
		flush(t, broker)
		enqueue(50)
	}
	broker.Kill()
	enqueue(200)
	broker.Start(t)
	enqueue(50)
	flush(t, broker)
	flushed := time.Now()
	r.settled(t)
	t.Logf("all was done %s after the last flush", time.Since(flushed).Round(time.Millisecond))
	require.Len(t, r.Rows(t, "SELECT DISTINCT n FROM probe_effects"), n)
	require.Len(t, r.Rows(t, "SELECT n FROM probe_effects"), n, "once in effect")
}

func TestWhatRiverHasLostIsHandedToItAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, does(func(context.Context, work) error { return nil }), "jobs.engine=database")
	require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", true))
	for n := range 20 {
		r.enqueue(t, work{N: n})
	}
	r.Tamper(t, "DELETE FROM river_job")
	require.NoError(t, r.inspector.PauseQueue(t.Context(), "default", false))
	r.settled(t)
}

func TestALongBacklogIsHandedOverOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		release := make(chan struct{})
		r := newRig(t, does(func(ctx context.Context, _ work) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		}), append(set, "jobs.queues=default=2")...)
		for n := range 100 {
			r.enqueue(t, work{N: n})
		}
		r.Tamper(t, "UPDATE jobs_jobs SET dispatched_ms = dispatched_ms - 60000 WHERE state = 0")
		require.Never(t, func() bool { return len(r.Rows(t, "SELECT id FROM jobs_jobs WHERE dispatches > 1")) > 2 }, 4*time.Second, 200*time.Millisecond)
		close(release)
		r.settled(t)
	})
}

func TestAStopGivesBackWhatIsRunning(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		began := make(chan struct{}, 2)
		p := does(func(ctx context.Context, _ work) error {
			began <- struct{}{}
			if j, _ := job.FromContext(ctx); j.Error == "" {
				<-ctx.Done() // the first time
				return ctx.Err()
			}
			return nil
		}, job.MaxAttempts(1))
		url := testapp.FreshDatabase(t, append(modules.All(), p))
		var id uuid.UUID
		t.Run("a replica that stops", func(t *testing.T) {
			r := sharedRig(t, p, url, append(set, "jobs.stop_timeout=100ms")...)
			id = r.enqueue(t, work{})
			<-began
		})
		r := sharedRig(t, p, url, set...)
		j := r.becomes(t, id, job.Completed)
		require.Equal(t, 1, j.Attempt, "what was given back does not count")
	})
}
