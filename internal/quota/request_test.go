package quota_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/pkg/problem"
	pkgquota "github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tx"
)

const requests = pkgquota.Requests

// watched is a runner that counts transactions, and can fail them or make them wait.
type watched struct {
	tx.Runner
	begun atomic.Int64
	lost  atomic.Bool
	gate  atomic.Pointer[chan struct{}]
}

var errLost = errors.New("the database does not answer")

func (w *watched) InTx(ctx context.Context, fn func(context.Context) error) error {
	w.begun.Add(1)
	if gate := w.gate.Load(); gate != nil {
		<-*gate
	}
	if w.lost.Load() {
		return errLost
	}
	return w.Runner.InTx(ctx, fn)
}

func (w *watched) watch(p *quota.Parts) { w.Runner, p.Run = p.Run, w }

// ask sends a request of the tenant in ctx.
func ask(ctx context.Context, q *quota.Quotas) (quota.Standing, error) {
	return q.Count(ctx, of(ctx))
}

// serve sends requests until one is refused, at most so many.
func serve(t testing.TB, ctx context.Context, q *quota.Quotas, most int) (served int) {
	t.Helper()
	for range most {
		if _, err := ask(ctx, q); err != nil {
			require.ErrorIs(t, err, pkgquota.ErrExceeded)
			return served
		}
		served++
	}
	return served
}

// value is that of a metric.
func value(t testing.TB, c prometheus.Collector, name string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// sweep lets a replica see that nobody asks any more. The refills that are under way end first.
func sweep(t testing.TB, q *quota.Quotas) {
	t.Helper()
	q.Settled()
	for range 8 {
		q.Sweep(t.Context())
	}
}

func TestWithoutALimitOnRequestsNothingIsDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, seen := newWorld(hard(tokens, pkgquota.Day, 1)), &watched{}
	q, ctx := b.replica(w, seen.watch), someone(t)
	standing, err := ask(ctx, q)
	require.NoError(t, err)
	require.Zero(t, standing)
	require.Zero(t, seen.begun.Load())
	require.Equal(t, []string{"tokens day 0/1"}, used(t, ctx, q))
}

func TestMostRequestsAreCountedInMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, seen := newWorld(hard(requests, pkgquota.Hour, 1_000_000), hard(requests, pkgquota.Month, 2_000_000)), &watched{}
	q, ctx := b.replica(w, seen.watch), someone(t)
	for range 10 {
		require.Equal(t, 500, serve(t, ctx, q, 500))
		w.pass(time.Second)
	}
	require.Less(t, seen.begun.Load(), int64(100), "of 5000 requests")
	standing, err := ask(ctx, q)
	require.NoError(t, err)
	require.Equal(t, hard(requests, pkgquota.Hour, 1_000_000), standing.Limit, "the one of which less is left")
	require.EqualValues(t, 1_000_000-5001, standing.Remaining)
	require.Equal(t, "2026-03-10T13:00:00Z", standing.Resets.Format(time.RFC3339))
	require.Equal(t, time.Hour, standing.Length)

	sweep(t, q)
	require.Equal(t, []string{"requests hour 5001/1000000", "requests month 5001/2000000", "requests lifetime 5001"}, used(t, ctx, q), "the rest is given back")
	require.Zero(t, q.Tenants(), "and the tenant forgotten")
	require.Equal(t, 1, serve(t, ctx, q, 1), "until it is there again")
}

func TestTwoReplicasServeWhatThereIsAndNoMore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(requests, pkgquota.Hour, 1000))
	replicas, ctx := []*quota.Quotas{b.replica(w), b.replica(w)}, someone(t)
	var served, refused atomic.Int64
	rush := func() {
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for range 100 {
					switch _, err := ask(ctx, replicas[i%2]); {
					case err == nil:
						served.Add(1)
					case errors.Is(err, pkgquota.ErrExceeded):
						refused.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		for _, q := range replicas {
			sweep(t, q)
		}
	}
	rush()
	require.EqualValues(t, 1600, served.Load()+refused.Load())
	require.LessOrEqual(t, served.Load(), int64(1000))
	require.GreaterOrEqual(t, served.Load(), int64(980), "a replica holds no more than a hundredth")
	w.pass(2 * time.Second)
	rush() // what a replica held is there again for all
	require.EqualValues(t, 1000, served.Load())
	require.Equal(t, []string{"requests hour 1000/1000", "requests lifetime 1000"}, used(t, ctx, replicas[0]))
	said := b.reached(ctx)
	require.Len(t, said, 2)
	require.Contains(t, said[0], "requests hour 80%: 8", "with what was taken in advance")
	require.Equal(t, "requests hour 100%: 1000/1000", said[1])
}

func TestAWindowThatEndsTakesItsRequestsAlong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(requests, pkgquota.Minute, 2000), hard(requests, pkgquota.Day, 100_000))
	q, ctx := b.replica(w), someone(t)
	require.Equal(t, 300, serve(t, ctx, q, 300))
	q.Settled()
	w.pass(time.Minute)
	require.Equal(t, 2000, serve(t, ctx, q, 2500), "what was left of the minute before is not served in this one")
	sweep(t, q)
	require.Equal(t, []string{"requests minute 2000/2000", "requests day 2300/100000", "requests lifetime 2300"}, used(t, ctx, q), "but given back")
	w.pass(time.Minute)
	require.Equal(t, 100, serve(t, ctx, q, 100))
	q.Settled()
	w.pass(time.Minute)
	q.Sweep(t.Context())
	require.Equal(t, []string{"requests minute 0/2000", "requests day 2400/100000", "requests lifetime 2400"}, used(t, ctx, q), "also when nobody asks any more")
}

func TestWhoeverStopsGivesBackAndWhoeverIsKilledDoesNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(requests, pkgquota.Day, 10_000))
	stopped, killed, ctx := b.replica(w), b.replica(w), someone(t)
	require.NoError(t, stopped.Start(t.Context()))
	require.Equal(t, 1000, serve(t, ctx, stopped, 1000))
	require.NoError(t, stopped.Stop(t.Context()))
	require.Equal(t, []string{"requests day 1000/10000", "requests lifetime 1000"}, used(t, ctx, stopped))

	require.Equal(t, 1000, serve(t, ctx, killed, 1000))
	killed.Settled()
	states, err := stopped.Usage(ctx)
	require.NoError(t, err)
	require.Greater(t, states[0].Used, int64(2000), "it held some")
	require.LessOrEqual(t, states[0].Used, int64(2100), "which is at most a hundredth of what was left")
}

func TestRefusedRequestsCostNoDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, seen := newWorld(hard(requests, pkgquota.Minute, 3), hard(requests, pkgquota.Month, 10)), &watched{}
	w.pass(57 * time.Second)
	q, ctx := b.replica(w, seen.watch), someone(t)
	require.Equal(t, 3, serve(t, ctx, q, 10))
	before := seen.begun.Load()
	for range 100 {
		standing, err := ask(ctx, q)
		require.ErrorIs(t, err, pkgquota.ErrExceeded)
		require.Equal(t, 3*time.Second, problem.From(err).RetryAfter)
		require.Equal(t, hard(requests, pkgquota.Minute, 3), standing.Limit)
		require.Zero(t, standing.Remaining)
	}
	require.Equal(t, before, seen.begun.Load())
	require.Len(t, b.denied.all, 101)
	w.pass(time.Second)
	require.Zero(t, serve(t, ctx, q, 10))
	require.Equal(t, before+1, seen.begun.Load(), "after a second it looks again")
	w.allow(hard(requests, pkgquota.Minute, 5))
	require.Equal(t, 2, serve(t, ctx, q, 10), "other terms count at once")
	w.allow(hard(requests, pkgquota.Minute, 4))
	require.Zero(t, serve(t, ctx, q, 10))
	w.pass(2 * time.Second)
	require.Equal(t, 4, serve(t, ctx, q, 10), "in the next minute there is room at once")
}

func TestALimitThatIsLoweredEndsWhatWasTakenInAdvance(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(requests, pkgquota.Day, 100_000))
	q, ctx := b.replica(w), someone(t)
	require.Equal(t, 1000, serve(t, ctx, q, 1000))
	w.allow(hard(requests, pkgquota.Day, 1010))
	require.Equal(t, 10, serve(t, ctx, q, 100))
	sweep(t, q)
	require.Equal(t, []string{"requests day 1010/1010", "requests lifetime 1010"}, used(t, ctx, q))
	w.allow(hard(requests, pkgquota.Day, 0))
	_, err := ask(ctx, q)
	require.ErrorIs(t, err, pkgquota.ErrExceeded)
	w.allow(soft(requests, pkgquota.Day, 0))
	standing, err := ask(ctx, q)
	require.NoError(t, err)
	require.Zero(t, standing, "a soft limit is no promise")
}

func TestManyRequestsAtOnceShareARefill(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, seen := newWorld(hard(requests, pkgquota.Day, 100)), &watched{}
	gate := make(chan struct{})
	seen.gate.Store(&gate)
	q, ctx := b.replica(w, seen.watch), someone(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := ask(ctx, q)
			require.NoError(t, err)
		})
	}
	gone, leave := context.WithCancel(ctx)
	all.Go(func() {
		_, err := ask(gone, q)
		require.ErrorIs(t, err, context.Canceled)
	})
	require.Eventually(t, func() bool { return q.Waiting(of(ctx)) == 51 }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { return seen.begun.Load() == 1 }, time.Minute, time.Millisecond)
	leave()
	require.Eventually(t, func() bool { return q.Waiting(of(ctx)) == 50 }, time.Minute, time.Millisecond)
	close(gate)
	all.Wait()
	sweep(t, q)
	require.LessOrEqual(t, seen.begun.Load(), int64(25), "of 50 requests, most of which waited for the second")
	require.Equal(t, []string{"requests day 50/100", "requests lifetime 50"}, used(t, ctx, q))
}

func TestARefillAheadKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, seen := newWorld(hard(requests, pkgquota.Day, 1_000_000)), &watched{}
	q, ctx := b.replica(w, seen.watch), someone(t)
	require.Equal(t, 1000, serve(t, ctx, q, 1000))
	q.Settled()
	gate := make(chan struct{})
	seen.gate.Store(&gate)
	before := seen.begun.Load()
	for seen.begun.Load() == before && !q.Refilling(of(ctx)) {
		_, err := ask(ctx, q)
		require.NoError(t, err)
	}
	_, err := ask(ctx, q) // the refill is held up, and there is still something to serve
	require.NoError(t, err)
	close(gate)
	q.Settled()
	require.Equal(t, 1000, serve(t, ctx, q, 1000))
	q.Settled()
}

func TestARefillThatMeetsTheEndOfTheWindowMixesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(requests, pkgquota.Minute, 10_000))
	q, ctx := b.replica(w), someone(t)
	served := serve(t, ctx, q, 1000)
	q.Settled()
	gate := make(chan struct{})
	w.change(func(w *world) { w.gate = gate })
	for !q.Refilling(of(ctx)) {
		served += serve(t, ctx, q, 1)
	}
	w.pass(time.Minute)
	close(gate)
	q.Settled()
	require.Equal(t, 5, serve(t, ctx, q, 5))
	sweep(t, q)
	require.Equal(t, []string{"requests minute 5/10000", fmt.Sprintf("requests lifetime %d", served+5)}, used(t, ctx, q))
}

func TestADatabaseThatIsAwayDeniesOrAllows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, mode := range []string{"deny", "allow"} {
		w, seen := newWorld(hard(requests, pkgquota.Day, 100)), &watched{}
		core, logs := observer.New(zap.InfoLevel)
		q := b.configured(quota.Config{OnError: mode}, w, seen.watch, func(p *quota.Parts) { p.Log = zap.New(core) })
		ctx := someone(t)
		require.Equal(t, 1, serve(t, ctx, q, 1))
		seen.lost.Store(true)
		for range 20 {
			standing, err := ask(ctx, q)
			require.Zero(t, standing)
			if mode == "allow" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, quota.ErrUnavailable)
				require.ErrorIs(t, err, errLost)
				require.Equal(t, problem.Unavailable, problem.From(err).Kind)
			}
		}
		require.EqualValues(t, 2, seen.begun.Load(), "it is not asked again and again")
		require.Len(t, logs.FilterMessage("requests cannot be counted").All(), 1)
		require.Equal(t, mode, logs.All()[0].ContextMap()["on_error"])
		w.pass(time.Second)
		_, _ = ask(ctx, q)
		require.Len(t, logs.All(), 1, "once")
		w.change(func(w *world) { w.unknown = errLost })
		_, err := q.Count(ctx, of(ctx))
		require.Equal(t, mode == "allow", err == nil, "nor is it known whether there is a limit")
		w.change(func(w *world) { w.unknown = nil })

		seen.lost.Store(false)
		w.pass(time.Second)
		require.Equal(t, 1, serve(t, ctx, q, 1))
		require.Len(t, logs.FilterMessage("requests can be counted again").All(), 1)
		q.Settled()
		values := map[string]float64{"deny": 0, "allow": 22}
		require.InDelta(t, values[mode], value(t, q, "platform_quota_unchecked_total"), 0)
		require.Equal(t, []string{"requests day 2/100", "requests lifetime 2"}, used(t, ctx, q))
		w.change(func(w *world) { w.lost = errLost })
		_, err = q.Usage(ctx)
		require.ErrorIs(t, err, errLost)
	}
}
