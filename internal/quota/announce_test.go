package quota_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/quota"
	pkgquota "github.com/yourorg/platform/pkg/quota"
)

func TestEachLevelIsAnnouncedOnceEachTimeThatTheWindowBegins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Day, 10), soft(tokens, pkgquota.Month, 20))
	q, ctx := b.replica(w), someone(t)
	consume := func(n int64) []string {
		require.NoError(t, q.Consume(ctx, tokens, n))
		return b.reached(ctx)
	}
	require.Empty(t, consume(7))
	require.Equal(t, []string{"tokens day 80%: 8/10"}, consume(1))
	require.Empty(t, consume(1))
	require.Equal(t, []string{"tokens day 100%: 10/10"}, consume(1))
	require.ErrorIs(t, q.Consume(ctx, tokens, 1), pkgquota.ErrExceeded)
	q.Sweep(ctx)
	require.Empty(t, b.reached(ctx), "it has been announced")

	w.pass(24 * time.Hour)
	require.Equal(t, []string{"tokens day 80%: 10/10", "tokens day 100%: 10/10", "tokens month 80%: 20/20", "tokens month 100%: 20/20"}, consume(10))
	w.pass(24 * time.Hour)
	require.Equal(t, []string{"tokens day 80%: 9/10"}, consume(9), "the month goes on, since its limit is soft")
}

func TestAReservationAnnouncesALevelOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q, ctx := b.replica(newWorld(hard(tokens, pkgquota.Day, 10))), someone(t)
	for range 2 {
		id, err := q.Reserve(ctx, tokens, 8, time.Hour)
		require.NoError(t, err)
		require.NoError(t, q.Release(ctx, id))
	}
	require.Equal(t, []string{"tokens day 80%: 8/10"}, b.reached(ctx))
	id, err := q.Reserve(ctx, tokens, 1, time.Hour)
	require.NoError(t, err)
	require.NoError(t, q.Settle(ctx, id, 12))
	require.Equal(t, []string{"tokens day 100%: 12/10"}, b.reached(ctx), "what has happened is announced too")
}

func TestALimitThatIsChangedIsAnnouncedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Month, 100))
	q, ctx := b.replica(w), someone(t)
	require.NoError(t, q.Consume(ctx, tokens, 50))
	require.Empty(t, b.reached(ctx))

	w.allow(hard(tokens, pkgquota.Month, 40))
	require.ErrorIs(t, q.Consume(ctx, tokens, 1), pkgquota.ErrExceeded)
	require.Empty(t, b.reached(ctx))
	for range 2 {
		q.Sweep(t.Context())
	}
	require.Equal(t, []string{"tokens month 80%: 50/40", "tokens month 100%: 50/40"}, b.reached(ctx), "although nothing was counted")
	require.ErrorIs(t, q.Consume(ctx, tokens, 1), pkgquota.ErrExceeded)
	q.Sweep(t.Context())
	require.Empty(t, b.reached(ctx))

	w.allow(hard(tokens, pkgquota.Month, 1000))
	require.NoError(t, q.Consume(ctx, tokens, 700))
	require.Empty(t, b.reached(ctx))
	require.NoError(t, q.Consume(ctx, tokens, 50))
	require.Equal(t, []string{"tokens month 80%: 800/1000"}, b.reached(ctx))

	w.allow(hard(tokens, pkgquota.Day, 0))
	require.ErrorIs(t, q.Consume(someone(t), tokens, 1), pkgquota.ErrExceeded)
	q.Sweep(t.Context())
	require.Empty(t, b.reached(ctx), "nothing is reached where nothing is allowed")
}

func TestALifetimeIsAnnouncedAgainOnlyAfterItHasFallen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q, ctx := b.replica(newWorld(hard(seats, pkgquota.Lifetime, 10))), someone(t)
	step := func(n int64) []string {
		if n < 0 {
			require.NoError(t, q.Free(ctx, seats, -n))
		} else {
			require.NoError(t, q.Consume(ctx, seats, n))
		}
		return b.reached(ctx)
	}
	require.Equal(t, []string{"seats lifetime 80%: 8/10"}, step(8))
	step(-1)
	require.Empty(t, step(1), "to and fro")
	require.Equal(t, []string{"seats lifetime 100%: 10/10"}, step(2))
	step(-1)
	require.Empty(t, step(1))
	step(-2)
	require.Equal(t, []string{"seats lifetime 100%: 10/10"}, step(2), "and not 80 %")
	step(-4)
	require.Equal(t, []string{"seats lifetime 80%: 8/10"}, step(2))
}

func TestALifetimeIsAnnouncedAgainAfterAReservationWasGivenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q, ctx := b.replica(newWorld(hard(seats, pkgquota.Lifetime, 10))), someone(t)
	for _, actual := range []int64{0, 2} {
		id, err := q.Reserve(ctx, seats, 8, time.Hour)
		require.NoError(t, err)
		require.Equal(t, []string{"seats lifetime 80%: 8/10"}, b.reached(ctx))
		require.NoError(t, q.Settle(ctx, id, actual))
		require.Empty(t, b.reached(ctx))
	}
	require.NoError(t, q.Consume(ctx, seats, 6))
	require.Equal(t, []string{"seats lifetime 80%: 8/10"}, b.reached(ctx))
	id, err := q.Reserve(ctx, seats, 2, time.Hour)
	require.NoError(t, err)
	require.Equal(t, []string{"seats lifetime 100%: 10/10"}, b.reached(ctx))
	require.NoError(t, q.Settle(ctx, id, 1))
	require.NoError(t, q.Consume(ctx, seats, 1))
	require.Empty(t, b.reached(ctx), "to and fro")
}

func TestParallelUseAnnouncesALevelOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Day, 40))
	replicas, ctx := []*quota.Quotas{b.replica(w), b.replica(w)}, someone(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 10 {
				_ = replicas[i%2].Consume(ctx, tokens, 1)
			}
		})
	}
	all.Wait()
	require.ElementsMatch(t, []string{"tokens day 80%: 32/40", "tokens day 100%: 40/40"}, b.reached(ctx)) // of two commits that end at once, either is told first
}
