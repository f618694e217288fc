package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// silent is a server that accepts connections and never answers.
func silent(t *testing.T) (addr string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var kept []net.Conn
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			kept = append(kept, conn)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		require.NoError(t, ln.Close())
		accepting.Wait()
		for _, conn := range kept {
			_ = conn.Close() // the other end may have
		}
	})
	return ln.Addr().String()
}

// part is one that a test lets hang or fail. Once it has started it asks the process to stop.
type part struct {
	shutdown    fx.Shutdowner
	hang        chan struct{}
	start, stop func(p *part, ctx context.Context) error
}

func (p *part) Start(ctx context.Context) error {
	return errors.Join(p.start(p, ctx), p.shutdown.Shutdown())
}
func (p *part) Stop(ctx context.Context) error { return p.stop(p, ctx) }

func (p *part) hangs(context.Context) error     { <-p.hang; return nil }
func (p *part) obeys(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (*part) works(context.Context) error       { return nil }
func (*part) fails(context.Context) error       { return errors.New("no use") }

func TestAPartThatHangsIsNamedWithItsTimeout(t *testing.T) {
	t.Parallel()
	const long = time.Minute
	for name, tt := range map[string]struct {
		start, stop func(*part, context.Context) error
		within      limits
		want        string
	}{
		"nothing hangs":                      {(*part).works, (*part).works, limits{long, long}, ""},
		"a start that ignores its context":   {(*part).hangs, (*part).works, limits{time.Second, long}, "start: cmd/platform.(*part).Start did not return within 1s"},
		"a start that obeys its context":     {(*part).obeys, (*part).works, limits{time.Second, long}, "start: cmd/platform.(*part).Start did not return within 1s"},
		"a start that fails":                 {(*part).fails, (*part).works, limits{long, long}, "start: cmd/platform.(*part).Start: no use"},
		"a stop that ignores its context":    {(*part).works, (*part).hangs, limits{long, time.Second}, "stop: cmd/platform.(*part).Stop did not return within 1s"},
		"a stop that gives up with its time": {(*part).works, (*part).obeys, limits{long, time.Second}, "stop: cmd/platform.(*part).Stop did not return within 1s"},
		"a stop that fails":                  {(*part).works, (*part).fails, limits{long, long}, "stop: no use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loaded, err := app.Load(config.Options{Environment: "test", Dir: t.TempDir(), Environ: []string{}, Set: []string{"log.level=error"}}, modules.All()...)
			require.NoError(t, err)
			hang := make(chan struct{})
			defer close(hang)
			err = run(t.Context(), &banner{out: new(bytes.Buffer), environment: "test"}, tt.within, app.Core(loaded.Catalog), loaded.Boundary(),
				fx.Invoke(func(lc fx.Lifecycle, stop fx.Shutdowner) {
					p := &part{stop, hang, tt.start, tt.stop}
					lc.Append(fx.StartStopHook(p.Start, p.Stop))
				}))
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

// The port is opened last: what was started before it is stopped again.
func TestATakenPortEndsTheStartAlthoughAPartDoesNotStop(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	loaded, err := app.Load(config.Options{Environment: "test", Dir: t.TempDir(), Environ: []string{}, Set: []string{
		"log.level=error", "http.addr=" + taken.Addr().String(), "database.url=" + testapp.EmptyDatabase(t),
		"security.key_file=" + filepath.Join(t.TempDir(), "key"), "notify.dir=" + t.TempDir(), "bootstrap.admin_email=ops@example.com", "bootstrap.admin_password=a password for the operator", "identity.password.memory_kib=64",
	}}, modules.All()...)
	require.NoError(t, err)
	hang := make(chan struct{})
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // or a failure would be a hang
	defer cancel()
	p := &part{hang: hang}
	err = run(ctx, &banner{out: new(bytes.Buffer), environment: "test"}, limits{time.Minute, 2 * time.Second}, app.Core(loaded.Catalog), loaded.Boundary(),
		fx.Invoke(func(lc fx.Lifecycle) { lc.Append(fx.StopHook(p.hangs)) }), loaded.Process(app.All), fx.Supply(&activation.Sockets{}))
	require.ErrorContains(t, err, "start: internal/httpserver.(*Server).Start: http.addr: listen tcp "+taken.Addr().String())
	require.ErrorContains(t, err, "; after that, cmd/platform.(*part).hangs did not return within 2s")
}

func TestADatabaseThatAcceptsAndNeverAnswersEndsTheStartWithItsName(t *testing.T) {
	t.Parallel()
	addr := silent(t)
	away := newPlace(t).with("PLATFORM_DATABASE_URL", "postgres://platform:hunter2@"+addr+"/platform", "PLATFORM_DATABASE_CONNECT_TIMEOUT", "500ms")
	for _, command := range []string{"all", "work", "migrate up"} {
		began := time.Now()
		run := away.run(t, strings.Fields(command)...)
		require.Equal(t, 1, run.code)
		require.Contains(t, run.log.String(), "postgres://platform:xxxxx@"+addr+"/platform did not answer within 500ms")
		require.Less(t, time.Since(began), 10*time.Second)
	}
}

// A broker may be away: the platform starts, serves, says so, and stops in time.
func TestABrokerThatAcceptsAndNeverAnswersDelaysNothing(t *testing.T) {
	t.Parallel()
	addr := silent(t)
	for name, env := range map[string][]string{
		"nats":  {"PLATFORM_EVENTS_CARRIER", "nats", "PLATFORM_NATS_URL", "nats://" + addr},
		"kafka": {"PLATFORM_EVENTS_CARRIER", "kafka", "PLATFORM_KAFKA_BROKERS", addr},
		"redis": {"PLATFORM_EVENTS_CARRIER", "redis", "PLATFORM_REDIS_URL", "redis://" + addr},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := newPlace(t).with(env...).serve(t)
			run.want(t, http.StatusOK, "GET", "/version", "", nil, nil)
			require.Zero(t, run.stop(t), &run.log)
		})
	}
}

func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		run := newPlace(t).with("PLATFORM_HTTP_DRAIN_INTERVAL", "40s", "PLATFORM_HTTP_SHUTDOWN_TIMEOUT", "60s").serve(t)
		require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
		require.Eventually(t, func() bool {
			status, err := run.request(t.Context(), "GET", "/ready", "", nil, nil)
			return err == nil && status == http.StatusServiceUnavailable
		}, 30*time.Second, time.Millisecond)
		require.NoError(t, run.cmd.Process.Signal(s))
		run.wait(t)
		require.Equal(t, 128+int(s), run.code)
		require.Equal(t, 1, strings.Count(run.log.String(), "a second signal ends the process at once"))
	}
}
