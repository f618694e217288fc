package runners_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/runner"
)

// patience is how long a test waits for what should be there at once: the machine may be busy.
const patience = 2 * time.Minute

// pump is a runner that a test controls.
type pump struct {
	start, run, stop func(ctx context.Context) error
}

func (*pump) Name() string                      { return "probe.pump" }
func (p *pump) Start(ctx context.Context) error { return call(ctx, p.start) }
func (p *pump) Stop(ctx context.Context) error  { return call(ctx, p.stop) }
func (p *pump) Run(ctx context.Context) error {
	if p.run != nil {
		return p.run(ctx)
	}
	<-ctx.Done()
	return nil
}

func call(ctx context.Context, fn func(context.Context) error) error {
	if fn == nil {
		return nil
	}
	return fn(ctx)
}

// probe is a module with a runner.
type probe struct {
	build   func() *pump
	options []fx.Option
}

func with(p *pump, failure ...runner.Failure) probe {
	return probe{func() *pump { return p }, []fx.Option{module.Runners[*pump](failure...)}}
}

func (probe) Name() string      { return "probe" }
func (probe) Migrations() fs.FS { return nil }
func (probe) Manifest() []byte {
	return []byte("name: probe\nversion: 1.0.0\ndescription: Pumps.\n")
}
func (p probe) Init() fx.Option { return fx.Options(fx.Provide(p.build), fx.Options(p.options...)) }

// process is the graph of a command, which has not started.
func process(t *testing.T, p probe, root fx.Option, more ...fx.Option) *fx.App {
	t.Helper()
	all := append(modules.All(), p)
	loaded, err := app.Load(config.Options{
		Environment: "test", Dir: t.TempDir(), Environ: []string{},
		Set: []string{
			"database.url=" + testapp.FreshDatabase(t, all), "security.key_file=" + t.TempDir() + "/key", "log.level=error",
			"bootstrap.admin_email=" + testapp.AdminEmail, "bootstrap.admin_password=" + testapp.AdminPassword,
			"http.addr=127.0.0.1:0", "http.drain_interval=0s",
		},
	}, all...)
	require.NoError(t, err)
	return fx.New(app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(root), fx.NopLogger,
		fx.StartTimeout(patience), fx.StopTimeout(patience), fx.Options(more...))
}

func TestARunnerStartsBeforeTheListenerOpensAndStopsAfterItHasDrained(t *testing.T) {
	t.Parallel()
	var server *httpserver.Server
	var order []string
	answers := func() bool {
		url := server.URL()
		return url != "" && fetch(url+"/healthz") == nil
	}
	note := func(what string) func(context.Context) error {
		return func(context.Context) error {
			if answers() {
				what += " while the listener answers"
			}
			order = append(order, what)
			return nil
		}
	}
	a := process(t, with(&pump{start: note("started"), stop: note("stopped")}), app.All, fx.Populate(&server))
	require.NoError(t, a.Err())
	require.NoError(t, a.Start(t.Context()))
	require.True(t, answers())
	order = append(order, "served")
	require.NoError(t, a.Stop(t.Context()))
	require.Equal(t, []string{"started", "served", "stopped"}, order)
}

func fetch(url string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

func TestWorkRunsWhatServeDoesNotEvenBuild(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		root  fx.Option
		wants int64
	}{"serve": {app.Serve, 0}, "work": {app.Work, 1}, "all": {app.All, 1}} {
		var built, started atomic.Int64
		p := with(nil)
		p.build = func() *pump {
			built.Add(1)
			return &pump{start: func(context.Context) error { started.Add(1); return nil }}
		}
		a := process(t, p, tt.root)
		require.NoError(t, a.Start(t.Context()), name)
		require.NoError(t, a.Stop(t.Context()), name)
		require.Equal(t, tt.wants, built.Load(), name)
		require.Equal(t, tt.wants, started.Load(), name)
	}
}

func TestARunnerThatFailsTakesTheReplicaOutOfServiceUntilItWorksAgain(t *testing.T) {
	t.Parallel()
	var repaired atomic.Bool
	breaks := make(chan struct{})
	p := &pump{run: func(ctx context.Context) error {
		select {
		case <-breaks:
			return errors.New("the feed of Mallory is away")
		case <-ctx.Done():
			return nil
		}
	}}
	p.start = func(context.Context) error {
		select {
		case <-breaks:
			if !repaired.Load() {
				return errors.New("the feed of Mallory is still away")
			}
			p.run = func(ctx context.Context) error { <-ctx.Done(); return nil }
		default:
		}
		return nil
	}
	a := testapp.New(t, append(modules.All(), with(p)), testapp.Options{Set: []string{"health.cache=0s"}})
	ready := a.Want(t, http.StatusOK, testapp.Call{Path: "/ready"})
	require.Contains(t, string(ready.Body), "runner.probe.pump")
	close(breaks)
	require.Eventually(t, func() bool {
		ready = a.Do(t, testapp.Call{Path: "/ready"})
		return ready.Status == http.StatusServiceUnavailable
	}, patience, 5*time.Millisecond)
	require.Contains(t, string(ready.Body), "runner.probe.pump")
	require.NotContains(t, string(ready.Body), "Mallory", "why is for operators")
	repaired.Store(true)
	require.Eventually(t, func() bool {
		return a.Do(t, testapp.Call{Path: "/ready"}).Status == http.StatusOK
	}, patience, 50*time.Millisecond)
}

func TestAFatalRunnerEndsTheProcessWithExitCode1(t *testing.T) {
	t.Parallel()
	breaks := make(chan struct{})
	p := &pump{run: func(context.Context) error { <-breaks; return errors.New("gone") }}
	a := process(t, with(p, runner.Fatal), app.All)
	stopping := a.Wait()
	require.NoError(t, a.Start(t.Context()))
	close(breaks)
	require.Equal(t, 1, (<-stopping).ExitCode)
	require.NoError(t, a.Stop(t.Context()))
}

func TestAStartThatFailsAndANameThatIsTakenEndTheStart(t *testing.T) {
	t.Parallel()
	a := process(t, with(&pump{start: func(context.Context) error { return errors.New("no feed") }}), app.Work)
	require.ErrorContains(t, a.Start(t.Context()), "runner probe.pump: start: no feed")

	twice := with(&pump{})
	twice.options = append(twice.options, module.Runners[*pump]())
	require.ErrorContains(t, process(t, twice, app.Work).Err(), "two runners are called probe.pump")
}
