package runners

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/runner"
)

func TestAFatalRunnerWhoseStopHangsEndsTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, broken := make(chan struct{}), errors.New("gone")
		p := &pump{name: "probe.pump", run: func(context.Context) error { return broken }}
		p.stop = func(context.Context) error { <-release; return nil }
		r := newRig(t, runner.Fatal, p)
		require.NoError(t, r.Start(t.Context()))
		time.Sleep(stopTimeout + grace)
		synctest.Wait()
		require.Equal(t, 1, r.died)
		require.ErrorIs(t, r.reports[0].Err, broken)
		require.ErrorContains(t, r.reports[0].Err, "stop: it ignores its context")
		require.NoError(t, r.Stop(t.Context()), "and holds up nobody who stops")
		close(release)
	})
}

func TestARunnerThatHangsIsNamedAndNotCalledMeanwhile(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"stop", "start"} {
		synctest.Test(t, func(t *testing.T) {
			release, times := make(chan struct{}), 0
			hang := func(context.Context) error {
				if times++; what == "stop" || times == 2 {
					<-release
				}
				return nil
			}
			runs := 0
			p := &pump{name: "probe.pump", run: func(ctx context.Context) error {
				if runs++; runs == 1 {
					return errors.New("gone")
				}
				return waiting(ctx)
			}}
			calls := []string{"start", "run", "stop"}
			if p.stop = hang; what == "start" {
				p.start, p.stop, calls = hang, nil, append(calls, "start")
			}
			r := newRig(t, runner.Unready, p)
			require.NoError(t, r.Start(t.Context()))
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Equal(t, calls, p.called())
			status, err := r.ready(t, "probe.pump")
			require.Equal(t, health.Unhealthy, status)
			require.ErrorContains(t, err, what+": it ignores its context")
			require.Len(t, r.logs.FilterMessage("a runner hangs").FilterLevelExact(zap.ErrorLevel).All(), 1)
			close(release)
			time.Sleep(time.Hour)
			synctest.Wait()
			status, _ = r.ready(t, "probe.pump")
			require.Equal(t, health.Healthy, status, "it goes on where it came back")
			require.Zero(t, r.died)
			require.NoError(t, r.Stop(t.Context()))
		})
	}
}
