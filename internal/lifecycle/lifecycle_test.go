package lifecycle

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPartThatTakesTooLongEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(30 * time.Second)
		ctx, cancel := p.Starting(t.Context())
		defer cancel()
		p.Start("github.com/yourorg/platform/internal/infra/database.(*Driver).Connect-fm()")
		time.Sleep(29 * time.Second)
		p.Start("")
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
		p := New(time.Second)
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
		p := New(time.Second)
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
