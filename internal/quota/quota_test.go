package quota_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/problem"
	pkgquota "github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestAllWindowsAreCountedOrNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(tokens, pkgquota.Minute, 10), hard(tokens, pkgquota.Day, 15), soft(tokens, pkgquota.Month, 5), hard(seats, pkgquota.Lifetime, 2))
	q, ctx := b.replica(w), someone(t)
	require.NoError(t, q.Consume(ctx, tokens, 7))
	require.ErrorIs(t, q.Consume(ctx, tokens, 4), pkgquota.ErrExceeded)
	require.NoError(t, q.Consume(ctx, tokens, 3), "what was refused is not counted")
	require.ErrorIs(t, q.Consume(ctx, tokens, 1), pkgquota.ErrExceeded)
	require.Equal(t, []string{"seats lifetime 0/2", "tokens minute 10/10", "tokens day 10/15", "tokens month 10/5", "tokens lifetime 10"}, used(t, ctx, q))

	w.pass(time.Minute)
	require.ErrorIs(t, q.Consume(ctx, tokens, 6), pkgquota.ErrExceeded, "the day has no room")
	require.NoError(t, q.Consume(ctx, tokens, 5))
	require.Equal(t, []string{"seats lifetime 0/2", "tokens minute 5/10", "tokens day 15/15", "tokens month 15/5", "tokens lifetime 15"}, used(t, ctx, q))
	require.Equal(t, []string{"quota tokens", "quota tokens", "quota tokens"}, b.denied.all)

	require.NoError(t, q.Consume(someone(t), tokens, 10), "another tenant")
	require.NoError(t, q.Consume(ctx, seats, 2), "another unit")
	w.pass(24 * time.Hour)
	require.Equal(t, []string{"seats lifetime 2/2", "tokens minute 0/10", "tokens day 0/15", "tokens month 15/5", "tokens lifetime 15"}, used(t, ctx, q))
	states, err := q.Usage(ctx)
	require.NoError(t, err)
	require.Len(t, states, 5, "requests without a limit are not counted")
	require.Equal(t, "2026-03-12T00:00:00Z", states[2].Resets.Format(time.RFC3339))
	w.allow()
	states, err = q.Usage(ctx)
	require.NoError(t, err)
	require.Equal(t, []pkgquota.State{{Unit: seats, Window: pkgquota.Lifetime, Used: 2}, {Unit: tokens, Window: pkgquota.Lifetime, Used: 15}}, states)
}

func TestARefusalSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, c := range map[string]struct {
		limits []pkgquota.Limit
		wait   time.Duration
		detail string
	}{
		"the end of the minute":        {[]pkgquota.Limit{hard(tokens, pkgquota.Minute, 3)}, 20 * time.Second, "At most 3 tokens a minute: 2 are used."},
		"the end of the hour":          {[]pkgquota.Limit{hard(tokens, pkgquota.Hour, 3)}, 15*time.Minute + 20*time.Second, "At most 3 tokens an hour: 2 are used."},
		"a month is not waited for":    {[]pkgquota.Limit{hard(tokens, pkgquota.Month, 3)}, 24 * time.Hour, "At most 3 tokens a month: 2 are used."},
		"what never ends":              {[]pkgquota.Limit{hard(tokens, pkgquota.Lifetime, 3)}, 24 * time.Hour, "At most 3 tokens in all: 2 are used."},
		"the last window that is full": {[]pkgquota.Limit{hard(tokens, pkgquota.Minute, 3), hard(tokens, pkgquota.Hour, 3), hard(tokens, pkgquota.Day, 4)}, 15*time.Minute + 20*time.Second, "At most 3 tokens an hour: 2 are used."},
	} {
		w := newWorld(c.limits...)
		w.at(time.Date(2026, 3, 10, 12, 44, 40, 0, time.UTC))
		q, ctx := b.replica(w), someone(t)
		require.NoError(t, q.Consume(ctx, tokens, 2), name)
		err := q.Consume(ctx, tokens, 2)
		require.ErrorIs(t, err, pkgquota.ErrExceeded, name)
		require.Equal(t, c.wait, problem.From(err).RetryAfter, name)
		require.Equal(t, c.detail, problem.From(err).Detail, name)
	}
}

func TestWhatIsRolledBackIsNotUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q, ctx := b.replica(newWorld(hard(tokens, pkgquota.Day, 10))), someone(t)
	changed := errors.New("changed my mind")
	var id uuid.UUID
	require.ErrorIs(t, b.Database.InTx(ctx, func(ctx context.Context) (err error) {
		require.NoError(t, q.Consume(ctx, tokens, 5))
		id, err = q.Reserve(ctx, tokens, 5, time.Hour)
		require.NoError(t, err)
		return changed
	}), changed)
	require.Equal(t, []string{"tokens day 0/10"}, used(t, ctx, q))
	require.Empty(t, b.reached(ctx))
	require.ErrorIs(t, q.Settle(ctx, id, 1), pkgquota.ErrReservation)

	require.NoError(t, b.Database.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, q.Consume(ctx, tokens, 8))
		require.ErrorIs(t, q.Consume(ctx, tokens, 3), pkgquota.ErrExceeded)
		require.ErrorIs(t, q.Settle(ctx, uuid.New(), 1), pkgquota.ErrReservation)
		return q.Consume(ctx, tokens, 1)
	}), "whoever was refused may do something else")
	require.Equal(t, []string{"tokens day 9/10", "tokens lifetime 9"}, used(t, ctx, q))
	require.Equal(t, []string{"tokens day 80%: 8/10"}, b.reached(ctx))

	reserved, err := q.Reserve(ctx, tokens, 1, time.Hour)
	require.NoError(t, err)
	require.ErrorIs(t, b.Database.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, q.Release(ctx, reserved))
		return changed
	}), changed)
	require.NoError(t, q.Release(ctx, reserved), "it had not ended")
}

func TestAmountsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(soft(tokens, pkgquota.Day, 1), soft(tokens, pkgquota.Lifetime, 1))
	q, ctx := b.replica(w), someone(t)
	for _, n := range []int64{0, -1, math.MinInt64, pkgquota.MaxAmount + 1, math.MaxInt64} {
		require.ErrorIs(t, q.Consume(ctx, tokens, n), pkgquota.ErrAmount, n)
		require.ErrorIs(t, q.Free(ctx, tokens, n), pkgquota.ErrAmount, n)
		_, err := q.Reserve(ctx, tokens, n, time.Hour)
		require.ErrorIs(t, err, pkgquota.ErrAmount, n)
		if n != 0 {
			require.ErrorIs(t, q.Settle(ctx, uuid.New(), n), pkgquota.ErrAmount, n)
		}
	}
	for _, lasts := range []time.Duration{0, -time.Hour, 32 * 24 * time.Hour} {
		_, err := q.Reserve(ctx, tokens, 1, lasts)
		require.ErrorContains(t, err, "a reservation that lasts")
	}
	require.ErrorContains(t, q.Consume(ctx, "likes", 1), `no module declares the unit "likes"`)
	require.ErrorContains(t, q.Free(ctx, "likes", 1), `no module declares the unit "likes"`)
	require.ErrorIs(t, q.Consume(t.Context(), tokens, 1), tenant.ErrMissing)
	require.ErrorIs(t, q.Free(t.Context(), tokens, 1), tenant.ErrMissing)
	require.ErrorIs(t, q.Settle(t.Context(), uuid.New(), 1), tenant.ErrMissing)
	_, err := q.Usage(t.Context())
	require.ErrorIs(t, err, tenant.ErrMissing)

	for range 4 { // counters stop where they would overflow
		require.NoError(t, q.Consume(ctx, tokens, pkgquota.MaxAmount))
	}
	require.Equal(t, []string{"tokens day 9007199254740991/1", "tokens lifetime 9007199254740991/1"}, used(t, ctx, q))
	id, err := q.Reserve(ctx, tokens, 1, time.Hour)
	require.NoError(t, err)
	require.NoError(t, q.Settle(ctx, id, pkgquota.MaxAmount))
	require.Equal(t, []string{"tokens day 9007199254740991/1", "tokens lifetime 9007199254740991/1"}, used(t, ctx, q))
	w.allow(hard(tokens, pkgquota.Day, pkgquota.MaxAmount))
	require.ErrorIs(t, q.Consume(ctx, tokens, 1), pkgquota.ErrExceeded)
}

func TestWhatIsGivenBackLeavesTheLifetimeOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWorld(hard(seats, pkgquota.Lifetime, 10), hard(seats, pkgquota.Day, 100))
	q, ctx := b.replica(w), someone(t)
	require.NoError(t, q.Free(ctx, seats, 1), "nothing was counted")
	require.NoError(t, q.Consume(ctx, seats, 10))
	require.ErrorIs(t, q.Consume(ctx, seats, 1), pkgquota.ErrExceeded)
	require.NoError(t, q.Free(ctx, seats, 4))
	require.NoError(t, q.Free(someone(t), seats, 4), "somebody else's")
	require.NoError(t, q.Consume(ctx, seats, 4))
	require.ErrorIs(t, q.Consume(ctx, seats, 1), pkgquota.ErrExceeded)
	require.Equal(t, []string{"seats day 14/100", "seats lifetime 10/10"}, used(t, ctx, q))
	require.NoError(t, q.Free(ctx, seats, 1000))
	require.Equal(t, []string{"seats day 14/100", "seats lifetime 0/10"}, used(t, ctx, q))
}
