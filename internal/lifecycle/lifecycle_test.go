package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPartThatTakesTooLongEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(30*time.Second, time.Hour)
		ctx, cancel := p.Starting(t.Context())
		defer cancel()
		p.Start("github.com/yourorg/platform/internal/infra/database.(*Driver).Connect-fm()")
		time.Sleep(29 * time.Second)
		p.Started(nil)
		time.Sleep(time.Minute) // nobody's turn
		require.NoError(t, ctx.Err())
		p.Start("github.com/yourorg/platform/modules/foo.(*Thing).Start()")
		time.Sleep(30*time.Second - 1)
		require.NoError(t, ctx.Err())
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.EqualError(t, context.Cause(ctx), "modules/foo.(*Thing).Start did not return within 30s")
	})
}

func TestAPartMayAskForMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		Allow(t.Context(), time.Hour) // outside of a start there is nothing to allow
		p := New(time.Second, time.Hour)
		ctx, cancel := p.Starting(t.Context())
		defer cancel()
		Allow(ctx, time.Hour) // nobody's turn
		p.Start("migrate")
		Allow(ctx, time.Minute)
		time.Sleep(59 * time.Second)
		require.NoError(t, ctx.Err())
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualError(t, context.Cause(ctx), "migrate did not return within 1m0s")

		ctx, cancel = p.Starting(t.Context())
		defer cancel()
		p.Start("migrate")
		Allow(ctx, time.Minute)
		p.Start("listen") // has no more than everybody
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualError(t, context.Cause(ctx), "listen did not return within 1s")
	})
}

func TestNothingIsOverdueOnceTheStartIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(time.Second, time.Hour)
		ctx, cancel := p.Starting(t.Context())
		p.Start("listen")
		cancel()
		time.Sleep(time.Minute)
		require.Equal(t, context.Canceled, context.Cause(ctx))
		p.Start("late") // a start that was given up goes on
		p.Stop("github.com/yourorg/platform/modules/foo.provide.func1()")
		require.Equal(t, "modules/foo.provide.func1", p.Current())
		time.Sleep(time.Minute)
	})
}

func TestWhatHasStartedHasATimeToStopWhenAPartFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no use")
		p := New(time.Second, time.Minute)
		ctx, cancel := p.Starting(t.Context())
		defer cancel()
		p.Start("connect")
		p.Started(nil)
		require.NoError(t, p.Why(ctx))
		p.Start("github.com/yourorg/platform/modules/foo.(*Thing).Start()")
		p.Started(broken)
		require.EqualError(t, p.Why(ctx), "modules/foo.(*Thing).Start: no use")
		require.ErrorIs(t, p.Why(ctx), broken)
		p.Stop("drain")
		time.Sleep(40 * time.Second)
		p.Stop("disconnect") // they have it together
		time.Sleep(20*time.Second - 1)
		synctest.Wait()
		require.NoError(t, ctx.Err())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.EqualError(t, p.Why(ctx), "modules/foo.(*Thing).Start: no use; after that, disconnect did not return within 1m0s")
	})
}

func TestWhatFailsBecauseTheStartHasEndedIsNotToBlame(t *testing.T) {
	t.Parallel()
	p := New(time.Minute, time.Minute)
	asked, interrupt := context.WithCancel(t.Context())
	ctx, cancel := p.Starting(asked)
	p.Start("connect")
	interrupt()
	p.Started(ctx.Err())
	require.NoError(t, p.Why(ctx))
	cancel()
	p.Started(errors.New("late")) // a start that was given up goes on
	require.NoError(t, p.Why(ctx))
}
