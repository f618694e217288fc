package admission

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

var small = Config{Limit: 2, Queue: 3, QueueTimeout: time.Second}

func TestWhoComesTooManyIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	g := New(Config{Limit: 2, Queue: 0, QueueTimeout: time.Hour})
	require.NoError(t, g.Enter(t.Context()))
	require.NoError(t, g.Enter(t.Context()))
	require.ErrorIs(t, g.Enter(t.Context()), ErrFull)
	g.Leave()
	require.NoError(t, g.Enter(t.Context()))
	require.Equal(t, state{limit: 2, inside: 2, refused: [reasons]uint64{full: 1}}, g.state())
}

func TestTheQueueIsServedInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(small)
		require.NoError(t, g.Enter(t.Context()))
		require.NoError(t, g.Enter(t.Context()))
		turns := make(chan int, 3)
		for i := range 3 {
			go func() {
				if g.Enter(t.Context()) == nil {
					turns <- i
				}
			}()
			synctest.Wait()
		}
		require.ErrorIs(t, g.Enter(t.Context()), ErrFull)
		require.Equal(t, 3, g.state().waiting)
		for i := range 3 {
			g.Leave()
			synctest.Wait()
			require.Equal(t, i, <-turns)
			require.Equal(t, 2, g.state().inside, "the place is handed over")
		}
		g.Leave()
		g.Leave()
		require.Zero(t, g.state().inside)
	})
}

func TestNobodyWaitsLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(small)
		require.NoError(t, g.Enter(t.Context()))
		require.NoError(t, g.Enter(t.Context()))
		began := time.Now()
		require.ErrorIs(t, g.Enter(t.Context()), ErrTimeout)
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, state{limit: 2, inside: 2, refused: [reasons]uint64{late: 1}}, g.state())
		g.Leave()
		require.NoError(t, g.Enter(t.Context()), "who gave up takes no place")
	})
}

func TestWhoHangsUpLeavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(small)
		require.NoError(t, g.Enter(t.Context()))
		require.NoError(t, g.Enter(t.Context()))
		ctx, hangUp := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- g.Enter(ctx) }()
		synctest.Wait()
		go func() { second <- g.Enter(t.Context()) }()
		synctest.Wait()
		hangUp()
		require.ErrorIs(t, <-first, context.Canceled)
		require.Equal(t, state{limit: 2, inside: 2, waiting: 1, refused: [reasons]uint64{gone: 1}}, g.state())
		g.Leave()
		require.NoError(t, <-second, "the next one is not skipped")
	})
}

// Whatever crosses whatever, the limit holds and no place is lost.
func TestNoPlaceIsLostOrGivenTwice(t *testing.T) {
	t.Parallel()
	g := New(Config{Limit: 3, Queue: 20, QueueTimeout: time.Microsecond * 50})
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					go cancel()
				}
				if g.Enter(ctx) == nil {
					now := inside.Add(1)
					for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
					}
					inside.Add(-1)
					g.Leave()
				}
				cancel()
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, most.Load(), int64(3))
	s := g.state()
	require.Zero(t, s.inside)
	require.Zero(t, s.waiting)
	for range 3 {
		require.NoError(t, g.Enter(t.Context()))
	}
}

func TestTheOperatorsShareIsASixteenth(t *testing.T) {
	t.Parallel()
	require.Equal(t, Config{Limit: 16, Queue: 32, QueueTimeout: 250 * time.Millisecond}, DefaultConfig().Reserved())
	require.Equal(t, Config{Limit: 1, Queue: 1, QueueTimeout: time.Second}, small.Reserved())
}

func TestTheLimitFollowsHowLongRequestsTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Limit: 32, Queue: 1000, QueueTimeout: time.Minute, Adaptive: true})
		// work keeps the gate full for some seconds, of requests that each take so long.
		work := func(seconds int, each time.Duration) {
			end := time.Now().Add(time.Duration(seconds) * time.Second)
			var all sync.WaitGroup
			for range 40 {
				all.Go(func() {
					for time.Now().Before(end) && g.Enter(t.Context()) == nil {
						time.Sleep(each)
						g.LeaveAfter(each)
					}
				})
			}
			all.Wait()
		}
		work(20, 20*time.Millisecond)
		require.Equal(t, 32, g.state().limit, "nothing got slower")
		work(6, 400*time.Millisecond)
		low := g.state().limit
		require.Less(t, low, 30, "it got slower")
		require.GreaterOrEqual(t, low, 2)
		for highest, want := range map[int]int{32: low, 64: low, low - 1: low - 1} {
			h := &Gate{cfg: g.cfg, adapt: new(gradient)}
			*h.adapt = *g.adapt
			h.Set(Config{Limit: highest, Queue: 1000})
			require.Equal(t, want, h.state().limit, "a new highest limit of %d forgets nothing", highest)
		}
		g.Set(Config{Limit: 32, Queue: 1000})
		require.Equal(t, low, g.state().limit)
		work(60, 20*time.Millisecond)
		require.Equal(t, 32, g.state().limit, "it got better")
		require.Zero(t, g.state().inside)
		require.Zero(t, g.state().waiting)
		g.Set(Config{Limit: 48, Queue: 1000})
		require.Equal(t, 48, g.state().limit, "what was not lowered is raised at once")
	})
}

func TestAGateThatIsNotFullLearnsNothing(t *testing.T) {
	t.Parallel()
	g := newGradient(100)
	now := time.Now()
	for i := range 10_000 {
		now = now.Add(10 * time.Millisecond)
		took := 10 * time.Millisecond
		if i > 5000 {
			took = time.Second
		}
		require.Equal(t, 100, g.observe(now, took, 10))
	}
}

func TestTheLimitHasBounds(t *testing.T) {
	t.Parallel()
	g := newGradient(160)
	now, took := time.Now(), time.Millisecond
	for range 3000 {
		now, took = now.Add(100*time.Millisecond), took+took/50
		if took > time.Hour {
			break
		}
		limit := g.observe(now, took, 160)
		require.GreaterOrEqual(t, limit, 10)
		require.LessOrEqual(t, limit, 160)
	}
	require.Equal(t, 1, newGradient(1).observe(now, time.Second, 1))
}

func TestGatesAreMeasured(t *testing.T) {
	t.Parallel()
	g := New(Config{Limit: 1, QueueTimeout: time.Second})
	require.NoError(t, g.Enter(t.Context()))
	require.ErrorIs(t, g.Enter(t.Context()), ErrFull)
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(Gates{"requests": g}))
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			values[f.GetName()+" "+m.GetLabel()[len(m.GetLabel())-1].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Equal(t, map[string]float64{
		"platform_http_admitted requests": 1, "platform_http_queued requests": 0, "platform_http_admission_limit requests": 1,
		"platform_http_overload_refused_total full": 1, "platform_http_overload_refused_total timeout": 0, "platform_http_overload_refused_total gone": 0,
	}, values)
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	err := Config{Limit: 0, Queue: -1, QueueTimeout: 0}.Validate()
	for _, want := range []string{"limit must be between", "queue must be between", "queue_timeout must be positive"} {
		require.ErrorContains(t, err, want)
	}
}

func BenchmarkGate(b *testing.B) {
	g := New(DefaultConfig())
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if g.Enter(ctx) == nil {
			g.Leave()
		}
	}
}
