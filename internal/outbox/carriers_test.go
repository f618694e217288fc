package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

// patience is for what happens on a machine that is busy with other tests, under the race detector.
const patience = 3 * time.Minute

// carried runs a test for every broker.
func carried(t *testing.T, fn func(t *testing.T, b *testbroker.Broker)) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(testbroker.All)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, testbroker.All[name](t))
		})
	}
}

func TestEventsGoThroughABrokerInOrderAndOnceInEffectThoughItIsKilled(t *testing.T) {
	t.Parallel()
	carried(t, func(t *testing.T, b *testbroker.Broker) {
		var r *rig
		ready := make(chan struct{})
		handler := func(ctx context.Context, m made) error {
			<-ready
			if err := r.effect(ctx, m); err != nil {
				return err
			}
			if m.N%7 == 3 && rand.N(3) != 0 {
				return errors.New("not yet")
			}
			return nil
		}
		var others atomic.Int32
		counts := func(context.Context, made) error {
			others.Add(1)
			return nil
		}
		r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", handler}, {"probe.other", counts}}},
			append(b.Settings, "events.max_attempts=1000", "events.resend_after=1s", "events.broker_window=40")...)
		close(ready)
		publish := func(from, to int) {
			for n := from; n < to; n++ {
				r.publish(t, made{N: n, K: fmt.Sprint(n % 3)})
			}
		}
		total := func() (n int) {
			for _, numbers := range r.effects(t) {
				n += len(numbers)
			}
			return n
		}
		publish(0, 60)
		require.Eventually(t, func() bool { return total() > 5 }, patience, time.Millisecond)
		b.Kill()
		publish(60, 90)
		b.Start(t)
		publish(90, 120)
		require.Eventually(t, func() bool { return total() == 120 }, patience, 10*time.Millisecond)
		r.settled(t)
		for k, numbers := range r.effects(t) {
			for i, n := range numbers {
				require.Equal(t, fmt.Sprint(3*i), fmt.Sprint(n-n%3), "the order of key %s: %v", k, numbers)
			}
		}
		require.Empty(t, r.parked(t))
		require.Len(t, r.Rows(t, "SELECT id FROM outbox_inbox"), 240)
		require.GreaterOrEqual(t, others.Load(), int32(120))
	})
}

func TestWhatRedisForgetsIsSentAgainInOrder(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	var r *rig
	ready := make(chan struct{})
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		return r.effect(ctx, m)
	}}}}, append(b.Settings, "events.resend_after=1h")...)
	close(ready)
	client, err := redis.Open(redis.Config{URL: config.URL("redis://" + b.Addr)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	lease := "platform:events:probe.thing.made:probe.listener:lease"
	require.NoError(t, client.Set(t.Context(), lease, "somebody else", time.Hour).Err(), "nobody receives")
	for n := range 50 {
		r.publish(t, made{N: n, K: "k"})
	}
	require.Eventually(t, func() bool {
		return len(r.Rows(t, "SELECT id FROM outbox_deliveries WHERE state = 3")) == 50
	}, patience, 5*time.Millisecond, "Redis has taken all of them")
	require.NoError(t, client.FlushAll(t.Context()).Err())
	r.publish(t, made{N: 50, K: "k"}) // shows the gap before it
	r.settled(t)
	require.Equal(t, map[string][]int{"k": upTo(51)}, r.effects(t))
}

func TestATenantsBacklogDoesNotDelayAnotherThroughABroker(t *testing.T) {
	t.Parallel()
	carried(t, func(t *testing.T, b *testbroker.Broker) {
		const backlog, window = 2000, 40
		var loud, quiet, done atomic.Int32
		small := uuid.New()
		r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, _ made) error {
			if id, _ := tenant.FromContext(ctx); id != small {
				loud.Add(1)
				return nil
			}
			if quiet.Add(1) == 10 {
				done.Store(loud.Load())
			}
			return nil
		}}}}, append(b.Settings, fmt.Sprintf("events.broker_window=%d", window))...)
		all := make([]made, backlog)
		for n := range all {
			all[n] = made{N: n, K: fmt.Sprint(n % 50)}
		}
		r.publish(t, all...)
		require.Eventually(t, func() bool { return loud.Load() > window }, patience, time.Millisecond)
		r.tenant = small
		r.publish(t, all[:10]...)
		since := loud.Load()
		require.Eventually(t, func() bool { return quiet.Load() == 10 }, patience, time.Millisecond)
		// It waits for what the broker holds, and for one turn of each lane.
		require.Less(t, since, int32(backlog/2), "the backlog was there")
		require.LessOrEqual(t, done.Load()-since, int32(5*window))
	})
}
