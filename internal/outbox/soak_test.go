//go:build soak

package outbox_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/tenant"
)

// TestSoakKills kills 200 processes, or PLATFORM_SOAK_KILLS, without a broker and with each that keeps running.
func TestSoakKills(t *testing.T) {
	kills := testapp.SoakKills()
	t.Run("inprocess", func(t *testing.T) { killed(t, max(1, kills/5)) })
	for _, name := range []string{"nats", "redis", "kafka"} {
		t.Run(name, func(t *testing.T) { killed(t, max(1, kills/5), testbroker.All[name](t).Settings...) })
	}
}

// loaded publishes without a pause until the test says stop, and returns how many were acknowledged.
func (r *rig) loaded() (stop func() []int) {
	var mu sync.Mutex
	var acknowledged []int
	var over atomic.Bool
	var writing sync.WaitGroup
	var next atomic.Int64
	for w := range 4 {
		writing.Go(func() {
			for !over.Load() {
				n := int(next.Add(1))
				err := r.Database.InTx(r.ctx(), func(ctx context.Context) error {
					return r.publisher.Publish(ctx, made{N: n, K: fmt.Sprint(w, "/", n%5)})
				})
				if err == nil {
					mu.Lock()
					acknowledged = append(acknowledged, n)
					mu.Unlock()
				}
				<-time.After(rand.N(20 * time.Millisecond))
			}
		})
	}
	return func() []int {
		over.Store(true)
		writing.Wait()
		slices.Sort(acknowledged)
		return acknowledged
	}
}

// once requires that every one of the numbers, and no other, was handled, once and in the order of its key.
func (r *rig) once(t *testing.T, acknowledged []int, others bool) {
	t.Helper()
	begun := time.Now()
	require.Eventually(t, func() bool {
		return len(r.Rows(t, "SELECT id FROM outbox_deliveries WHERE state <> 2")) == 0
	}, 5*time.Minute, 50*time.Millisecond)
	t.Logf("%d events, caught up %s after the last one", len(acknowledged), time.Since(begun).Round(time.Millisecond))
	require.Empty(t, r.parked(t))
	var all []int
	for k, numbers := range r.effects(t) {
		require.True(t, slices.IsSorted(numbers), "the order of key %s: %v", k, numbers)
		all = append(all, numbers...)
	}
	slices.Sort(all)
	require.Len(t, slices.Compact(slices.Clone(all)), len(all), "handled twice in effect")
	if !others {
		require.Equal(t, acknowledged, all)
		return
	}
	for _, n := range acknowledged { // a commit whose answer was lost may have happened
		_, found := slices.BinarySearch(all, n)
		require.True(t, found, "%d was acknowledged and is lost", n)
	}
}

func newLoaded(t *testing.T, set ...string) *rig {
	t.Helper()
	var r *rig
	ready := make(chan struct{})
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		return r.effect(ctx, m)
	}}}}, append(set, "events.max_attempts=1000000")...)
	close(ready)
	return r
}

func TestSoakABrokerThatIsAwayFor30Seconds(t *testing.T) {
	t.Parallel()
	carried(t, func(t *testing.T, b *testbroker.Broker) {
		r := newLoaded(t, b.Settings...)
		stop := r.loaded()
		<-time.After(3 * time.Second)
		b.Kill()
		<-time.After(30 * time.Second)
		b.Start(t)
		<-time.After(3 * time.Second)
		r.once(t, stop(), false)
	})
}

// TestSoakPostgresRestarted restarts a server of its own, three times with and three times without a proper end.
func TestSoakPostgresRestarted(t *testing.T) {
	server := testapp.NewPostgres(t)
	t.Run("under load", func(t *testing.T) {
		r := newLoaded(t)
		stop := r.loaded()
		server.RestartAgainAndAgain(t)
		r.once(t, stop(), true)
	})
}

// TestSoakFairness measures how long ten events of one tenant take while 100,000 of another are being delivered.
func TestSoakFairness(t *testing.T) {
	fair := func(t *testing.T, set ...string) {
		const backlog = 100_000
		var loud, quiet atomic.Int32
		small := uuid.Max // the last one in every lane
		r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, _ made) error {
			if id, _ := tenant.FromContext(ctx); id != small {
				loud.Add(1)
				return nil
			}
			quiet.Add(1)
			return nil
		}}}}, set...)
		all := make([]made, 1000)
		for n := range all {
			all[n] = made{N: n, K: fmt.Sprint(n % 50)}
		}
		for range backlog / len(all) {
			r.publish(t, all...)
		}
		left := backlog - int(loud.Load())
		r.tenant = small
		r.publish(t, all[:10]...)
		committed := time.Now()
		require.Eventually(t, func() bool { return quiet.Load() == 10 }, 5*time.Minute, time.Millisecond)
		took := time.Since(committed)
		t.Logf("ten events took %s while %d of 100,000 were waiting and %d were handled", took.Round(time.Millisecond), left, int(loud.Load())-backlog+left)
		require.Less(t, took, time.Second)
	}
	t.Run("inprocess", func(t *testing.T) { fair(t) })
	for _, name := range []string{"nats", "redis", "kafka"} {
		t.Run(name, func(t *testing.T) { fair(t, testbroker.All[name](t).Settings...) })
	}
}
