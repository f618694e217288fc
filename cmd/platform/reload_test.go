package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// write replaces a file at once, as deployments do.
func write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

// logs waits until the process has logged a text n times.
func (r *running) logs(t *testing.T, n int, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Count(r.log.String(), text) >= n || r.over() }, 30*time.Second, 5*time.Millisecond, text)
	require.False(t, r.over(), "it ended: %s", &r.log)
}

func TestSIGHUPReloadsTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"serve", "work", "all"} {
		t.Run(root, func(t *testing.T) {
			t.Parallel()
			here := newPlace(t).with("PLATFORM_RELOAD_WATCH", "false", "PLATFORM_LOG_FORMAT", "json")
			file := filepath.Join(here.dir, "platform.yaml")
			write(t, file, "log: {level: debug}\n")
			run := here.start(t, root, "--config", file)
			run.logs(t, 1, "migrated")
			require.NoError(t, run.cmd.Process.Signal(syscall.SIGHUP))
			run.logs(t, 1, `"message":"the configuration was reloaded","asked_by":"signal","keys":[]`)

			write(t, file, "log: {level: info}\nblog: {max_content: 17}\n")
			require.NoError(t, run.cmd.Process.Signal(syscall.SIGHUP))
			run.logs(t, 1, `"keys":["log.level"]`)
			run.logs(t, 1, `"message":"changed settings need a restart","asked_by":"signal","keys":["blog.max_content"]`)

			write(t, file, "log: {level: debug, levle: debug}\nratelimit: {public_per_minute: 0}\n")
			require.NoError(t, run.cmd.Process.Signal(syscall.SIGHUP))
			run.logs(t, 1, "the configuration cannot be reloaded, the one before stays")
			require.Contains(t, run.log.String(), "log.levle is not a known key")
			require.Contains(t, run.log.String(), "ratelimit.public_per_minute must be")
			require.Zero(t, run.stop(t), &run.log)
		})
	}
}

func TestAFileThatChangesReloadsTheConfiguration(t *testing.T) {
	t.Parallel()
	here := newPlace(t).with("PLATFORM_LOG_FORMAT", "json")
	file := filepath.Join(here.dir, "platform.yaml")
	write(t, file, "ratelimit: {public_per_minute: 1000}\n")
	run := here.serve(t, "all", "--config", file)
	run.want(t, http.StatusOK, "GET", "/version", "", nil, nil)
	write(t, file, "ratelimit: {public_per_minute: 1}\n")
	run.logs(t, 1, `"keys":["ratelimit.public_per_minute"]`)
	require.Eventually(t, func() bool { // the new limit holds
		status, err := run.request(t.Context(), "GET", "/version", "", nil, nil)
		return err == nil && status == http.StatusTooManyRequests
	}, 30*time.Second, 5*time.Millisecond)
	dotenv := filepath.Join(here.dir, ".env") // it was not there at the start
	write(t, dotenv, "PLATFORM_LOG_LEVEL=error\n")
	run.logs(t, 1, `"keys":["log.level"]`)
	require.Empty(t, run.said(t))
	require.NoError(t, os.Remove(dotenv))
	run.logs(t, 2, `"keys":["log.level"]`)
	require.Contains(t, run.said(t), `"message":"request"`)
	require.Zero(t, run.stop(t), &run.log)
}

// said is what a request adds to the log. Its line is written before the answer is.
func (r *running) said(t *testing.T) string {
	t.Helper()
	before := len(r.log.String())
	r.want(t, http.StatusNotFound, "GET", "/nowhere", "", nil, nil)
	r.want(t, http.StatusNotFound, "GET", "/nowhere", "", nil, nil)
	return r.log.String()[before:]
}

func TestAHangupWhileItStopsEndsNothing(t *testing.T) {
	t.Parallel()
	run := newPlace(t).with("PLATFORM_HTTP_DRAIN_INTERVAL", "1s", "PLATFORM_LOG_FORMAT", "json").serve(t)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		status, err := run.request(t.Context(), "GET", "/ready", "", nil, nil)
		return err == nil && status == http.StatusServiceUnavailable || run.over()
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGHUP))
	run.wait(t)
	require.Zero(t, run.code, &run.log)
	require.NotContains(t, run.log.String(), "was reloaded")
}
