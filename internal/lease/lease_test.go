package lease_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const long = time.Hour

// replicas are several holders over one database.
func replicas(t *testing.T, n int) (*testapp.App, []*lease.Leases) {
	t.Helper()
	app := testapp.New(t, modules.All())
	all := make([]*lease.Leases, n)
	for i := range all {
		all[i] = lease.New(app.Database)
	}
	return app, all
}

// expire lets the clock of the database pass the end of every lease.
func expire(t *testing.T, app *testapp.App) {
	t.Helper()
	require.NoError(t, app.Database.Exec(t.Context(), "UPDATE lease_leases SET expires_ms = 1", []any{}, nil))
}

func acquire(t *testing.T, l *lease.Leases, name string) (lease.Lease, bool) {
	t.Helper()
	held, ok, err := l.Acquire(t.Context(), name, long)
	require.NoError(t, err)
	require.Equal(t, ok, held.Held() && ok)
	return held, ok
}

func TestOneReplicaHoldsANameUntilItGivesItBack(t *testing.T) {
	t.Parallel()
	_, r := replicas(t, 2)
	first, ok := acquire(t, r[0], "x")
	require.True(t, ok)
	_, ok = acquire(t, r[1], "x")
	require.False(t, ok)
	_, ok = acquire(t, r[1], "y")
	require.True(t, ok, "another name")
	again, ok := acquire(t, r[0], "x")
	require.True(t, ok, "it is its own")
	require.Equal(t, first.Token, again.Token)

	require.NoError(t, r[0].Release(t.Context(), again))
	second, ok := acquire(t, r[1], "x")
	require.True(t, ok)
	require.Greater(t, second.Token, first.Token)
}

func TestALeaseThatExpiredCanBeTakenAndIsThenLost(t *testing.T) {
	t.Parallel()
	app, r := replicas(t, 2)
	mine, _ := acquire(t, r[0], "x")
	expire(t, app)
	mine, ok, err := r[0].Renew(t.Context(), mine, long)
	require.NoError(t, err)
	require.True(t, ok, "nobody took it")

	expire(t, app)
	theirs, ok := acquire(t, r[1], "x")
	require.True(t, ok)
	lost, ok, err := r[0].Renew(t.Context(), mine, long)
	require.NoError(t, err)
	require.False(t, ok)
	require.False(t, lost.Held())
	require.NoError(t, r[0].Release(t.Context(), mine), "it leaves alone what it has lost")
	_, ok, err = r[1].Renew(t.Context(), theirs, long)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestALeaseThatExpiredAndIsTakenAgainByItsHolderHasANewToken(t *testing.T) {
	t.Parallel()
	app, r := replicas(t, 1)
	first, _ := acquire(t, r[0], "x")
	expire(t, app)
	second, ok := acquire(t, r[0], "x")
	require.True(t, ok)
	require.Greater(t, second.Token, first.Token, "others may have held it in between")
}

func TestOfManyThatAskAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	_, r := replicas(t, 8)
	var winners atomic.Int32
	var asking sync.WaitGroup
	for _, l := range r {
		asking.Go(func() {
			_, ok, err := l.Acquire(context.WithoutCancel(t.Context()), "x", long)
			if err != nil {
				t.Error(err)
			}
			if ok {
				winners.Add(1)
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, 1, winners.Load())
}

func TestHoldRunsOneAtATimeAndHandsOver(t *testing.T) {
	t.Parallel()
	_, r := replicas(t, 2)
	began := make(chan *lease.Leases)
	stops := map[*lease.Leases]context.CancelFunc{}
	var running atomic.Int32
	var holding sync.WaitGroup
	for _, l := range r {
		ctx, cancel := context.WithCancel(context.Background())
		stops[l] = cancel
		holding.Go(func() {
			l.Hold(ctx, "x", 300*time.Millisecond, func(ctx context.Context, held lease.Lease) {
				if running.Add(1) > 1 {
					t.Error("two at once")
				}
				began <- l
				<-ctx.Done()
				running.Add(-1)
			}, func(err error) { t.Error(err) })
		})
	}
	first := <-began
	stops[first]()
	second := <-began
	require.NotSame(t, first, second)
	stops[second]()
	holding.Wait()
}

func TestHoldEndsTheWorkWhoseLeaseIsLost(t *testing.T) {
	t.Parallel()
	app, r := replicas(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began, cause, done := make(chan struct{}, 8), make(chan error, 8), make(chan struct{})
	go func() {
		defer close(done)
		r[0].Hold(ctx, "x", 300*time.Millisecond, func(ctx context.Context, _ lease.Lease) {
			began <- struct{}{}
			<-ctx.Done()
			cause <- context.Cause(ctx)
		}, nil)
	}()
	<-began
	require.Eventually(t, func() bool { // it may renew between the two statements
		expire(t, app)
		_, ok := acquire(t, r[1], "x")
		return ok
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, <-cause, lease.ErrLost)
	cancel()
	<-done
}
