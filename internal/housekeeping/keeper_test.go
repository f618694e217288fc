package housekeeping

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/module"
)

// broom counts its rounds.
type broom struct {
	name   string
	rounds atomic.Int64
	tidy   func(ctx context.Context) (int, error)
}

func (b *broom) Name() string { return b.name }

func (b *broom) Tidy(ctx context.Context) (int, error) {
	b.rounds.Add(1)
	if b.tidy == nil {
		return 0, nil
	}
	return b.tidy(ctx)
}

func newKeeper(t *testing.T, brooms ...module.Housekeeper) (*Keeper, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	k, err := New(Config{Interval: time.Minute}, zap.New(core), brooms...)
	require.NoError(t, err)
	return k, logs
}

func TestARoundCallsEveryHousekeeperWhateverTheOthersDo(t *testing.T) {
	t.Parallel()
	broken := &broom{name: "a.broken", tidy: func(context.Context) (int, error) { return 0, errors.New("no broom") }}
	busy := &broom{name: "b.busy", tidy: func(context.Context) (int, error) { return 7, nil }}
	idle := &broom{name: "c.idle"}
	k, logs := newKeeper(t, idle, broken, busy)
	k.Tidy(t.Context())
	for _, b := range []*broom{broken, busy, idle} {
		require.EqualValues(t, 1, b.rounds.Load(), b.name)
	}
	require.Len(t, logs.All(), 2, "who had nothing to do says nothing")
	require.Equal(t, "a.broken", logs.FilterLevelExact(zap.ErrorLevel).All()[0].ContextMap()["of"])
	require.EqualValues(t, 7, logs.FilterLevelExact(zap.InfoLevel).All()[0].ContextMap()["rows"])
}

func TestTheKeeperComesBackAndStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broom{name: "a"}
		k, _ := newKeeper(t, b)
		require.NoError(t, k.Start(t.Context()))
		require.Zero(t, b.rounds.Load(), "replicas that start together spread out")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, b.rounds.Load(), "after a part of the interval")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		require.EqualValues(t, 4, b.rounds.Load())
		require.NoError(t, k.Stop(t.Context()))
		time.Sleep(time.Hour)
		require.EqualValues(t, 4, b.rounds.Load())
	})
}

func TestStopEndsARoundThatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := &broom{name: "b"}
		long := &broom{name: "a", tidy: func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }}
		k, logs := newKeeper(t, long, next)
		require.NoError(t, k.Start(t.Context()))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, long.rounds.Load())
		require.NoError(t, k.Stop(t.Context()))
		require.Zero(t, next.rounds.Load())
		require.Empty(t, logs.All(), "being stopped is no failure")
	})
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		k, _ := newKeeper(t, &broom{name: "a", tidy: func(context.Context) (int, error) { <-release; return 0, nil }})
		require.NoError(t, k.Start(t.Context()))
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, k.Stop(ctx), context.DeadlineExceeded)
		close(release)
	})
}

func TestANameThatIsThereTwiceIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(DefaultConfig(), zap.NewNop(), &broom{name: "a"}, &broom{name: "b"}, &broom{name: "a"})
	require.ErrorContains(t, err, "two housekeepers are called a")
	require.NoError(t, DefaultConfig().Validate())
	require.ErrorContains(t, Config{Interval: time.Millisecond}.Validate(), "interval")
}
