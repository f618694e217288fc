package runners

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/runner"
)

// pump is a runner of which a test chooses what matters; the rest behaves.
type pump struct {
	name             string
	start, run, stop func(ctx context.Context) error
	mu               sync.Mutex
	calls            []string
}

func (p *pump) Name() string                    { return p.name }
func (p *pump) Start(ctx context.Context) error { return p.call(ctx, "start", p.start) }
func (p *pump) Stop(ctx context.Context) error  { return p.call(ctx, "stop", p.stop) }
func (p *pump) Run(ctx context.Context) error {
	if p.run == nil {
		return p.call(ctx, "run", waiting)
	}
	return p.call(ctx, "run", p.run)
}

func (p *pump) call(ctx context.Context, what string, fn func(context.Context) error) error {
	p.mu.Lock()
	p.calls = append(p.calls, what)
	p.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn(ctx)
}

func (p *pump) called() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.calls...)
}

func waiting(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// rig is a host with everything that it tells others.
type rig struct {
	*Host
	board   *Board
	logs    *observer.ObservedLogs
	reports []errorbus.Report
	died    int
}

func (r *rig) Report(_ context.Context, report errorbus.Report) {
	r.reports = append(r.reports, report)
}

func (r *rig) ready(t *testing.T, name string) (health.Status, error) {
	t.Helper()
	for _, c := range r.board.Checks() {
		if c.Name() == "runner."+name {
			return c.Check(t.Context())
		}
	}
	require.Fail(t, "no such runner")
	return "", nil
}

// metric is the value of a metric of the only runner.
func (r *rig) metric(t *testing.T, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(r.metrics))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			require.Len(t, f.GetMetric(), 1)
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	require.Fail(t, "no such metric")
	return 0
}

func newRig(t *testing.T, failure runner.Failure, pumps ...*pump) *rig {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	r := &rig{board: NewBoard(), logs: logs}
	var declared []runner.Declared
	for _, p := range pumps {
		declared = append(declared, runner.Declared{Runner: p, Failure: failure})
	}
	h, err := New(zap.New(core), NewMetrics(), r.board, r, declared...)
	require.NoError(t, err)
	r.Host = h
	h.fatal = func() { r.died++ }
	return r
}

func TestARunnerIsStartedRunAndStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pump{name: "probe.pump"}
		r := newRig(t, runner.Unready, p)
		status, err := r.ready(t, "probe.pump")
		require.Equal(t, health.Unhealthy, status, "it has not started")
		require.ErrorIs(t, err, errStarting)
		require.NoError(t, r.Start(t.Context()))
		synctest.Wait()
		status, err = r.ready(t, "probe.pump")
		require.NoError(t, err)
		require.Equal(t, health.Healthy, status)
		require.InDelta(t, 1, r.metric(t, "platform_runner_up"), 0)
		require.NoError(t, r.Stop(t.Context()))
		require.Equal(t, []string{"start", "run", "stop"}, p.called())
		status, _ = r.ready(t, "probe.pump")
		require.Equal(t, health.Unhealthy, status)
		require.InDelta(t, 0, r.metric(t, "platform_runner_up"), 0)
		require.Empty(t, r.logs.All(), "being stopped is no failure")
	})
}

func TestARunnerThatFailsIsStartedAgainAfterAPauseThatGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the feed is away")
		var runs []time.Time
		p := &pump{name: "probe.pump"}
		p.run = func(ctx context.Context) error {
			if runs = append(runs, time.Now()); len(runs) <= 9 {
				return broken
			}
			return waiting(ctx)
		}
		r := newRig(t, runner.Unready, p)
		require.NoError(t, r.Start(t.Context()))
		synctest.Wait()
		status, err := r.ready(t, "probe.pump")
		require.Equal(t, health.Unhealthy, status)
		require.ErrorIs(t, err, broken)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		status, err = r.ready(t, "probe.pump")
		require.NoError(t, err, "it has recovered by itself")
		require.Equal(t, health.Healthy, status)
		require.Len(t, runs, 10)
		for i, full := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			full *= time.Second
			gap := runs[i+1].Sub(runs[i])
			require.GreaterOrEqual(t, gap, full/2, "pause %d", i)
			require.LessOrEqual(t, gap, full, "pause %d", i)
		}
		require.InDelta(t, 9, r.metric(t, "platform_runner_restarts_total"), 0)
		require.Len(t, r.logs.FilterLevelExact(zap.ErrorLevel).All(), 9, "one line for each failure")
		line := r.logs.FilterLevelExact(zap.ErrorLevel).All()[0].ContextMap()
		require.Equal(t, "probe.pump", line["runner"])
		require.Equal(t, broken.Error(), line["error"])
		require.Positive(t, line["next_try"])
		require.Equal(t, []string{"start", "run", "stop", "start", "run", "stop"}, p.called()[:6], "every start has its stop")
		require.Empty(t, r.reports, "an error that it returns is no surprise")
		require.Zero(t, r.died)
		require.NoError(t, r.Stop(t.Context()))
	})
}

func TestARunnerThatWorkedForLongIsStartedAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []time.Time
		var enough atomic.Bool
		p := &pump{name: "probe.pump", run: func(ctx context.Context) error {
			if enough.Load() {
				return waiting(ctx)
			}
			runs = append(runs, time.Now())
			time.Sleep(2 * time.Minute)
			return errors.New("again")
		}}
		r := newRig(t, runner.Unready, p)
		require.NoError(t, r.Start(t.Context()))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.GreaterOrEqual(t, len(runs), 29, "its pauses do not grow")
		enough.Store(true)
		time.Sleep(time.Hour)
		require.NoError(t, r.Stop(t.Context()))
	})
}

func TestARunnerThatCannotBeStartedAgainStaysUnready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		starts := 0
		p := &pump{name: "probe.pump", run: func(context.Context) error { return errors.New("gone") }}
		p.start = func(context.Context) error {
			if starts++; starts > 1 {
				return errors.New("still gone")
			}
			return nil
		}
		r := newRig(t, runner.Unready, p)
		require.NoError(t, r.Start(t.Context()))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Greater(t, starts, 50)
		status, err := r.ready(t, "probe.pump")
		require.Equal(t, health.Unhealthy, status)
		require.EqualError(t, err, "start: still gone")
		require.NoError(t, r.Stop(t.Context()), "stopping does not wait for the pause")
		require.Equal(t, []string{"start", "run", "stop", "start", "start"}, p.called()[:5], "what has not started is not stopped")
	})
}

func TestAPanicIsAFailureThatIsReported(t *testing.T) {
	t.Parallel()
	for _, failure := range []runner.Failure{runner.Unready, runner.Fatal} {
		synctest.Test(t, func(t *testing.T) {
			p := &pump{name: "probe.pump", run: func(context.Context) error { panic("boom") }}
			r := newRig(t, failure, p)
			require.NoError(t, r.Start(t.Context()))
			synctest.Wait()
			require.Len(t, r.reports, 1)
			require.True(t, r.reports[0].Panicked())
			require.Equal(t, "runners", r.reports[0].Source)
			require.Equal(t, "probe.pump", r.reports[0].Operation)
			require.ErrorContains(t, r.reports[0].Err, "boom")
			status, _ := r.ready(t, "probe.pump")
			require.Equal(t, health.Unhealthy, status)
			require.NoError(t, r.Stop(t.Context()))
		})
	}
}

func TestAFatalFailureEndsTheProcessOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pump{name: "probe.pump", run: func(context.Context) error { return nil }}
		r := newRig(t, runner.Fatal, p)
		require.NoError(t, r.Start(t.Context()))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 1, r.died)
		require.Len(t, r.reports, 1)
		require.ErrorIs(t, r.reports[0].Err, errReturned, "returning without being told is a failure")
		require.Equal(t, []string{"start", "run", "stop"}, p.called(), "it is not started again")
		require.NoError(t, r.Stop(t.Context()))
		require.Equal(t, []string{"start", "run", "stop"}, p.called(), "nor stopped twice")
	})
}

func TestAStartThatFailsNamesTheRunnerAndStopsTheOthers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(context.Context) error{
		"no feed":               func(context.Context) error { return errors.New("no feed") },
		"panic: no feed":        func(context.Context) error { panic("no feed") },
		"did not start in time": func(context.Context) error { time.Sleep(time.Hour); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			before, broken, after := &pump{name: "probe.a"}, &pump{name: "probe.b", start: start}, &pump{name: "probe.c"}
			r := newRig(t, runner.Unready, after, broken, before)
			err := r.Start(t.Context())
			require.ErrorContains(t, err, "runner probe.b: ")
			require.ErrorContains(t, err, name)
			require.Contains(t, before.called(), "stop")
			require.Equal(t, []string{"start"}, broken.called())
			require.Empty(t, after.called())
			time.Sleep(2 * time.Hour) // until the one that hangs has returned
		})
	}
}

func TestStopLetsARunnerFinishBeforeItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed, finished := make(chan struct{}), false
		p := &pump{name: "probe.pump"}
		p.run = func(ctx context.Context) error {
			<-closed
			time.Sleep(5 * time.Second)
			finished = ctx.Err() == nil
			closed <- struct{}{}
			return nil
		}
		p.stop = func(context.Context) error { closed <- struct{}{}; <-closed; return nil }
		r := newRig(t, runner.Fatal, p)
		require.NoError(t, r.Start(t.Context()))
		require.NoError(t, r.Stop(t.Context()))
		require.True(t, finished)
		require.Zero(t, r.died, "returning is no failure then")
	})
}

func TestStopDoesNotWaitForEverAndNamesWhoHangs(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"the caller's patience": 3 * time.Second, "its own": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			deaf := &pump{name: "probe.deaf", run: func(context.Context) error { <-release; return nil }}
			stuck := &pump{name: "probe.stuck", stop: func(context.Context) error { <-release; return nil }}
			fine := &pump{name: "probe.fine"}
			r := newRig(t, runner.Unready, deaf, stuck, fine)
			require.NoError(t, r.Start(t.Context()))
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			begun := time.Now()
			err := r.Stop(ctx)
			require.Equal(t, min(limit, stopTimeout), time.Since(begun), name)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "runner probe.deaf: ")
			require.ErrorContains(t, err, "runner probe.stuck: ")
			require.NotContains(t, err.Error(), "probe.fine")
			close(release)
		})
	}
}

func TestANameThatIsThereTwiceOrIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	named := func(names ...string) error {
		var declared []runner.Declared
		for _, name := range names {
			declared = append(declared, runner.Declared{Runner: &pump{name: name}})
		}
		_, err := New(zap.NewNop(), NewMetrics(), NewBoard(), &rig{}, declared...)
		return err
	}
	require.NoError(t, named("probe.a", "probe.b", "other.a"))
	require.EqualError(t, named("probe.a", "probe.b", "probe.a"), "two runners are called probe.a")
	for _, name := range []string{"", "probe", "probe.", ".a", "Probe.a", "probe.a.b", "probe.a b"} {
		require.ErrorContains(t, named(name), "which is not <module>.<what>", name)
	}
}
