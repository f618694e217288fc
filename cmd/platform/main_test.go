package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

// binary is the real thing, built once for this run of the tests.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "platform-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "platform")
	const version = "github.com/yourorg/platform/internal/version."
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary,
		"-ldflags", "-s -w -X "+version+"Version=v1.2.3 -X "+version+"Commit=c0ffee -X "+version+"Built=2026-01-02T03:04:05Z", ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// A place is a folder, its environment and a database: where the binary runs as if on a machine of its own.
type place struct {
	dir string
	env map[string]string
}

func newPlace(t *testing.T) place {
	t.Helper()
	dir := t.TempDir()
	return place{dir: dir, env: map[string]string{
		"HOME":                                  dir,
		"PLATFORM_DATABASE_URL":                 testapp.EmptyDatabase(t),
		"PLATFORM_HTTP_ADDR":                    "127.0.0.1:0",
		"PLATFORM_HTTP_DRAIN_INTERVAL":          "0s",
		"PLATFORM_HTTP_ABUSE_GUARD_ENABLED":     "false",   // everything comes from one address
		"PLATFORM_RATELIMIT_TENANT_PER_SECOND":  "1000000", // and from one tenant
		"PLATFORM_RATELIMIT_TENANT_BURST":       "10000000",
		"PLATFORM_IDENTITY_PASSWORD_MEMORY_KIB": "64",
		"PLATFORM_IDENTITY_PASSWORD_ITERATIONS": "1",
	}}
}

// with returns a copy whose environment has more; an empty value takes away.
func (p place) with(pairs ...string) place {
	env := map[string]string{}
	for k, v := range p.env {
		env[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		if env[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(env, pairs[i])
		}
	}
	return place{dir: p.dir, env: env}
}

func (p place) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = p.dir
	cmd.Env = []string{}
	for k, v := range p.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// running is a binary that was started.
type running struct {
	cmd         *exec.Cmd
	out, log    output
	ended       chan struct{}
	code        int
	platformURL string
}

// output may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs the binary in the background and kills it when the test ends.
func (p place) start(t *testing.T, args ...string) *running {
	t.Helper()
	return launch(t, p.command(args...))
}

func launch(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	run := &running{cmd: cmd, ended: make(chan struct{})}
	run.cmd.Stdout, run.cmd.Stderr = &run.out, &run.log
	require.NoError(t, run.cmd.Start())
	go func() {
		defer close(run.ended)
		_ = run.cmd.Wait() // the exit code tells
		run.code = run.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() { run.kill() })
	return run
}

// run runs the binary to its end.
func (p place) run(t *testing.T, args ...string) *running {
	t.Helper()
	run := p.start(t, args...)
	run.wait(t)
	return run
}

// serve starts "all", or the root given, and waits for its banner.
func (p place) serve(t *testing.T, args ...string) *running {
	t.Helper()
	if len(args) == 0 {
		args = []string{"all"}
	}
	return p.start(t, args...).up(t)
}

// up waits for the banner.
func (r *running) up(t *testing.T) *running {
	t.Helper()
	require.Eventually(t, func() bool {
		_, rest, found := strings.Cut(r.out.String(), "  URL       ")
		url, _, whole := strings.Cut(rest, "\n")
		r.platformURL = url
		return found && whole || r.over()
	}, 30*time.Second, 5*time.Millisecond)
	require.False(t, r.over(), "it ended: %s%s", &r.out, &r.log)
	return r
}

func (r *running) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

func (r *running) wait(t *testing.T) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(30 * time.Second):
		require.Fail(t, "it does not end", "%s%s", &r.out, &r.log)
	}
}

// stop asks as an orchestrator does, and returns the exit code.
func (r *running) stop(t *testing.T) int {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	r.wait(t)
	return r.code
}

// kill is kill -9.
func (r *running) kill() {
	_ = r.cmd.Process.Kill() // it may be over
	<-r.ended
}
