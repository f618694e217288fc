package quota_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/quota"
	pkgquota "github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestAReservationCountsAtOnceAndIsSettledLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Hour, 100), hard(tokens, pkgquota.Day, 100))
	q, ctx := b.replica(w), someone(t)
	reserve := func(n int64) uuid.UUID {
		id, err := q.Reserve(ctx, tokens, n, 2*time.Hour)
		require.NoError(t, err)
		return id
	}
	less, more, none := reserve(60), reserve(30), reserve(10)
	_, err := q.Reserve(ctx, tokens, 1, time.Hour)
	require.ErrorIs(t, err, pkgquota.ErrExceeded)
	require.ErrorIs(t, q.Settle(someone(t), less, 1), pkgquota.ErrReservation, "another tenant's")

	require.NoError(t, q.Settle(ctx, less, 20))
	require.ErrorIs(t, q.Settle(ctx, less, 20), pkgquota.ErrReservation, "it has ended")
	require.NoError(t, q.Release(ctx, none))
	require.ErrorIs(t, q.Release(ctx, none), pkgquota.ErrReservation)
	require.Equal(t, []string{"tokens hour 50/100", "tokens day 50/100", "tokens lifetime 50"}, used(t, ctx, q))
	require.NoError(t, q.Settle(ctx, more, 130), "it has happened")
	require.Equal(t, []string{"tokens hour 150/100", "tokens day 150/100", "tokens lifetime 150"}, used(t, ctx, q))

	w.pass(24 * time.Hour)
	across := reserve(40)
	w.pass(time.Hour)
	require.NoError(t, q.Consume(ctx, tokens, 5))
	require.NoError(t, q.Settle(ctx, across, 10))
	require.Equal(t, []string{"tokens hour 5/100", "tokens day 15/100", "tokens lifetime 165"}, used(t, ctx, q), "the hour has ended in the meantime")
}

func TestAReservationThatHasLapsedStaysCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Lifetime, 100))
	q, ctx := b.replica(w), someone(t)
	id, err := q.Reserve(ctx, tokens, 60, time.Hour)
	require.NoError(t, err)
	kept, err := q.Reserve(ctx, tokens, 1, 3*time.Hour)
	require.NoError(t, err)
	n, err := q.Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	w.pass(time.Hour)
	require.ErrorIs(t, q.Settle(ctx, id, 1), pkgquota.ErrReservation)
	n, err = q.Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []string{"tokens lifetime 61/100"}, used(t, ctx, q))
	require.NoError(t, q.Release(ctx, kept))
}

// tally is what the analytics are told.
type tally map[string]int64

func (t tally) Consumed(id tenant.ID, u pkgquota.Unit, n int64) { t[fmt.Sprint(id, " ", u)] += n }

func TestWhatHasLapsedReachesTheAnalyticsOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w, told := newWorld(), tally{}
	q := b.replica(w, func(p *quota.Parts) { p.Used = told })
	one, other := someone(t), someone(t)
	for ctx, n := range map[context.Context]int64{one: 60, other: 7} {
		_, err := q.Reserve(ctx, tokens, n, time.Hour)
		require.NoError(t, err)
	}
	w.pass(time.Hour)
	require.Empty(t, told)
	for range 2 {
		_, err := q.Tidy(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, tally{of(one).String() + " tokens": 60, of(other).String() + " tokens": 7}, told)
}

func TestAReservationEndsOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Day, 1000))
	replicas, ctx := []*quota.Quotas{b.replica(w), b.replica(w)}, someone(t)
	id, err := replicas[0].Reserve(ctx, tokens, 500, time.Hour)
	require.NoError(t, err)
	require.NoError(t, replicas[0].Consume(ctx, tokens, 400))
	var ended atomic.Int64
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if replicas[i%2].Settle(ctx, id, 100) == nil {
				ended.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, ended.Load())
	require.Equal(t, []string{"tokens day 500/1000", "tokens lifetime 500"}, used(t, ctx, replicas[1]))
}

func TestNothingIsLeftOfATenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q, ctx, other := b.replica(newWorld(hard(tokens, pkgquota.Day, 10))), someone(t), someone(t)
	for _, in := range []string{of(ctx).String(), of(other).String()} {
		require.Empty(t, b.Rows(t, fmt.Sprintf("SELECT id FROM quota_counters WHERE tenant_id = '%s'", in)))
	}
	for range 2 {
		_, err := q.Reserve(ctx, tokens, 1, time.Hour)
		require.NoError(t, err)
		_, err = q.Reserve(other, tokens, 1, time.Hour)
		require.NoError(t, err)
	}
	n, err := q.Erase(ctx, of(ctx))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	n, err = q.Erase(ctx, of(ctx))
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, []string{"tokens day 0/10"}, used(t, ctx, q))
	require.Equal(t, []string{"tokens day 2/10", "tokens lifetime 2"}, used(t, other, q))
}
