//go:build soak

package jobs_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/job"
)

func TestSoakKills(t *testing.T) {
	for name, set := range map[string][]string{"database": {"jobs.engine=database"}, "redis": onRedis(t)} {
		t.Run(name, func(t *testing.T) { killAgainAndAgain(t, testapp.SoakKills(), set) })
	}
}

// TestSoakPostgresRestarted restarts a server of its own while jobs are asked for and done.
func TestSoakPostgresRestarted(t *testing.T) {
	server := testapp.NewPostgres(t)
	for name, set := range map[string][]string{"database": {"jobs.engine=database"}, "redis": onRedis(t)} {
		t.Run(name, func(t *testing.T) {
			var r *rig
			ready := make(chan struct{})
			r = newRig(t, does(func(ctx context.Context, w work) error {
				<-ready
				return r.effect(ctx, w.N)
			}), append(set, "jobs.max_attempts=1000")...)
			close(ready)
			stop := r.loaded()
			server.RestartAgainAndAgain(t)
			acknowledged := stop()
			begun := time.Now()
			r.settled(t)
			t.Logf("%d jobs, caught up %s after the last one", len(acknowledged), time.Since(begun).Round(time.Millisecond))
			done := map[string]int{}
			for _, row := range r.Rows(t, "SELECT n FROM probe_effects") {
				done[row["n"]]++
			}
			for n := range acknowledged {
				require.Equal(t, 1, done[strconv.Itoa(n)], "%d was acknowledged", n)
			}
			for n, times := range done { // a commit whose answer was lost may have happened
				require.Equal(t, 1, times, "%s was done more than once in effect", n)
			}
		})
	}
}

// loaded asks for jobs without a pause until the test says stop, and returns those that were acknowledged.
func (r *rig) loaded() (stop func() map[int]bool) {
	var over atomic.Bool
	var next atomic.Int64
	var mu sync.Mutex
	var writing sync.WaitGroup
	acknowledged := map[int]bool{}
	for range 4 {
		writing.Go(func() {
			for !over.Load() {
				n := int(next.Add(1))
				if _, err := r.jobs.Enqueue(r.ctx(), work{N: n}); err == nil {
					mu.Lock()
					acknowledged[n] = true
					mu.Unlock()
				}
				<-time.After(10 * time.Millisecond)
			}
		})
	}
	return func() map[int]bool {
		over.Store(true)
		writing.Wait()
		return acknowledged
	}
}

// TestSoakLeaders takes the lead away from one of three replicas fifty times, and counts the ticks.
func TestSoakLeaders(t *testing.T) {
	p := ticking(job.Schedule{Name: "probe.second", Spec: "* * * * * *"}, nothing)
	first := newRig(t, p, "jobs.lease=1s")
	for range 2 {
		sharedRig(t, p, first.DatabaseURL(), "jobs.lease=1s")
	}
	begin, had := first.fired(t)
	for n := range 50 {
		before := first.schedule(t).Last
		first.Tamper(t, fmt.Sprintf("UPDATE lease_leases SET holder = 'nobody-%d', expires_ms = 0, token = token + 1 WHERE id = 'jobs.keeper'", n))
		require.Eventually(t, func() bool { return first.schedule(t).Last.After(before.Add(time.Second)) }, patience, 10*time.Millisecond)
	}
	require.NoError(t, first.inspector.PauseSchedule(t.Context(), "probe.second", true))
	first.onceEach(t, begin, had)
}
