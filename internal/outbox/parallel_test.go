package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
)

// everyCarrier runs a test without a broker and with each.
func everyCarrier(t *testing.T, fn func(t *testing.T, set []string)) {
	t.Helper()
	t.Run("inprocess", func(t *testing.T) {
		t.Parallel()
		fn(t, nil)
	})
	carried(t, func(t *testing.T, b *testbroker.Broker) { fn(t, b.Settings) })
}

// alone tells when two events of one key are handled at once.
type alone struct {
	mu    sync.Mutex
	busy  map[string]bool
	twice atomic.Bool
}

func (a *alone) begin(key string) (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy == nil {
		a.busy = map[string]bool{}
	}
	if a.busy[key] {
		a.twice.Store(true)
	}
	a.busy[key] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.busy[key] = false
	}
}

// keyed are events 0…n-1, of so many keys in turn.
func keyed(n, keys int) []made {
	all := make([]made, n)
	for i := range all {
		all[i] = made{N: i, K: fmt.Sprint(i % keys)}
	}
	return all
}

// inOrder requires that every one of n events has had its effect once, in the order of its key.
func (r *rig) inOrder(t *testing.T, n int) {
	t.Helper()
	total := 0
	for k, numbers := range r.effects(t) {
		require.True(t, slices.IsSorted(numbers), "the order of key %s: %v", k, numbers)
		require.Len(t, slices.Compact(slices.Clone(numbers)), len(numbers), "handled twice in effect: %v", numbers)
		total += len(numbers)
	}
	require.Equal(t, n, total)
	require.Empty(t, r.parked(t))
}

func TestEventsOfAKeyStayInOrderWhileManyAreHandledAtOnceAndSomeFail(t *testing.T) {
	t.Parallel()
	everyCarrier(t, func(t *testing.T, set []string) {
		var r *rig
		var keys alone
		var tried sync.Map
		ready := make(chan struct{})
		r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
			<-ready
			defer keys.begin(m.K)()
			attempt, _ := tried.LoadOrStore(m.N, new(atomic.Int32))
			if n := attempt.(*atomic.Int32).Add(1); m.N%7 == 3 && n < 4 {
				if m.N%2 == 0 && n == 1 { // as if it were the database's
					return database.ErrUnavailable.Wrap(errors.New("away for a moment"))
				}
				return errors.New("not yet")
			}
			return r.effect(ctx, m)
		}}}}, append(set, "events.workers=4", "events.max_attempts=1000")...)
		close(ready)
		r.publish(t, keyed(150, 15)...)
		r.settled(t)
		r.inOrder(t, 150)
		require.False(t, keys.twice.Load(), "two events of a key were handled at once")
	})
}

func TestASlowKeyHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	if !testapp.Postgres() {
		t.Skip("SQLite has one writer, and a handler writes")
	}
	everyCarrier(t, func(t *testing.T, set []string) {
		const others = 60
		var r *rig
		var handled atomic.Int32
		started, enough := make(chan struct{}), make(chan struct{})
		wanted := int32(others)
		if len(set) == 0 {
			wanted = others / 2 // in process a key shares its lane with an eighth of the others
		}
		r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
			if m.K != "slow" {
				if handled.Add(1) == wanted {
					close(enough)
				}
				return r.effect(ctx, m)
			}
			if m.N == 0 {
				close(started)
				select {
				case <-enough:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return r.effect(ctx, m)
		}}}}, append(set, "events.handler_timeout=3m", "events.resend_after=10m")...)
		r.publish(t, made{N: 0, K: "slow"})
		<-started
		r.publish(t, made{N: 1, K: "slow"}, made{N: 2, K: "slow"})
		r.publish(t, keyed(others, 20)...)
		r.settled(t)
		r.inOrder(t, others+3)
		require.Equal(t, upTo(3), r.effects(t)["slow"])
	})
}

func TestAnEventThatTheDatabaseCannotTakeHoldsUpNothingButItsKey(t *testing.T) {
	t.Parallel()
	carried(t, func(t *testing.T, b *testbroker.Broker) {
		const others = 60
		var r *rig
		var handled atomic.Int32
		ready := make(chan struct{})
		r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
			<-ready
			if m.K == "bad" && handled.Load() < others {
				return database.ErrUnavailable.Wrap(errors.New("away"))
			}
			if m.K != "bad" {
				handled.Add(1)
			}
			return r.effect(ctx, m)
		}}}}, append(b.Settings, "events.resend_after=10m")...)
		close(ready)
		r.publish(t, made{N: 0, K: "bad"}, made{N: 1, K: "bad"}, made{N: 2, K: "bad"})
		r.publish(t, keyed(others, 20)...)
		r.settled(t)
		r.inOrder(t, others+3)
	})
}

func TestAStopInTheMiddleLosesNothingAndWaitsForWhatIsBeingHandled(t *testing.T) {
	t.Parallel()
	everyCarrier(t, func(t *testing.T, set []string) {
		const total = 200
		url := testapp.FreshDatabase(t, append(modules.All(), probe{}))
		set = append(set, "security.key_file="+filepath.Join(t.TempDir(), "key"), "events.lease=1s", "events.resend_after=10m")
		var begun, ended atomic.Int32
		replica := func(t *testing.T, each func(n int32)) *rig {
			var r *rig
			ready := make(chan struct{})
			r = sharedRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
				<-ready
				n := begun.Add(1)
				defer ended.Add(1)
				each(n)
				return r.effect(ctx, m)
			}}}}, url, set...)
			close(ready)
			return r
		}
		first := t.Run("it stops", func(t *testing.T) {
			half, stopping := make(chan struct{}), make(chan struct{})
			r := replica(t, func(n int32) {
				switch {
				case n == total/2:
					close(half)
					<-stopping // while it is being handled
				case n > total/2: // the end comes before the last one
					<-time.After(50 * time.Millisecond)
				}
			})
			r.makeEffects(t)
			t.Cleanup(func() { close(stopping) }) // the last thing before the end
			r.publish(t, keyed(total, 20)...)
			<-half
		})
		require.True(t, first)
		require.Equal(t, begun.Load(), ended.Load(), "it has waited")
		before := ended.Load()
		r := replica(t, func(int32) {})
		r.settled(t)
		r.inOrder(t, total)
		require.LessOrEqual(t, ended.Load(), int32(total)+before/2, "what was handled was not handled again")
	})
}

func TestTwoReplicasBehindABrokerKeepTheOrderOfEachKey(t *testing.T) {
	t.Parallel()
	carried(t, func(t *testing.T, b *testbroker.Broker) {
		const total = 150
		url := testapp.FreshDatabase(t, append(modules.All(), probe{}))
		set := append(slices.Clone(b.Settings), "security.key_file="+filepath.Join(t.TempDir(), "key"))
		var both [2]*rig
		ready := make(chan struct{})
		for i := range both {
			both[i] = sharedRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
				<-ready
				return both[i].effect(ctx, m)
			}}}}, url, set...)
		}
		both[0].makeEffects(t)
		close(ready)
		both[1].tenant = both[0].tenant
		for part := range slices.Chunk(keyed(total, 5), total/6) {
			both[part[0].N%2].publish(t, part...)
		}
		both[0].settled(t)
		both[0].inOrder(t, total)
	})
}
