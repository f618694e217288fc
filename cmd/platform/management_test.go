package main

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// managed is the same process at its other listener, whose address is in the log.
func (r *running) managed(t *testing.T) *running {
	t.Helper()
	const before, after = `"logger":"management","message":"listening","url":"`, `"`
	r.logs(t, 1, before)
	_, rest, _ := strings.Cut(r.log.String(), before)
	url, _, _ := strings.Cut(rest, after)
	return &running{cmd: r.cmd, ended: r.ended, platformURL: url}
}

func TestEveryProcessHasMetricsAndHealthBesideItsWork(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"serve", "work", "all"} {
		t.Run(root, func(t *testing.T) {
			t.Parallel()
			here := newPlace(t).with("PLATFORM_HTTP_MANAGEMENT_ADDR", "127.0.0.1:0", "PLATFORM_LOG_FORMAT", "json")
			run := here.start(t, root)
			aside := run.managed(t)
			require.Eventually(t, func() bool {
				status, err := aside.request(t.Context(), "GET", "/ready", "", nil, nil)
				return err == nil && status == http.StatusOK
			}, 30*time.Second, 10*time.Millisecond)
			aside.want(t, http.StatusOK, "GET", "/healthz", "", nil, nil)
			aside.want(t, http.StatusOK, "GET", "/metrics", "", nil, nil)
			aside.want(t, http.StatusNotFound, "GET", "/version", "", nil, nil)
			aside.want(t, http.StatusMethodNotAllowed, "POST", "/metrics", "", nil, nil)
			aside.want(t, http.StatusOK, "POST", "/_debug/reload", "", nil, nil) // in development, from this machine
			aside.want(t, http.StatusOK, "PUT", "/_debug/log-level", "", map[string]string{"level": "debug"}, nil)
			var served struct{ Routes []any }
			aside.want(t, http.StatusOK, "GET", "/_debug/routes", "", nil, &served)
			require.Equal(t, root == "work", len(served.Routes) == 0)
			aside.want(t, http.StatusOK, "GET", "/debug/pprof/profile?seconds=1", "", nil, nil)
			healthy := here.run(t, "health", "--set", "http.management_addr="+strings.TrimPrefix(aside.platformURL, "http://"))
			require.Zero(t, healthy.code, &healthy.log)
			require.Zero(t, run.stop(t), &run.log)
			_, err := aside.request(t.Context(), "GET", "/healthz", "", nil, nil)
			require.Error(t, err)
		})
	}
}

func TestATakenManagementPortFailsTheStart(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for _, root := range []string{"serve", "work"} {
		run := newPlace(t).with("PLATFORM_HTTP_MANAGEMENT_ADDR", taken.Addr().String()).run(t, root)
		require.Equal(t, 1, run.code)
		require.Contains(t, run.log.String(), "http.management_addr: listen tcp "+taken.Addr().String())
	}
}

func TestMetricsAreAnsweredUntilTheRequestsHaveFinished(t *testing.T) {
	t.Parallel()
	run := newPlace(t).with("PLATFORM_HTTP_MANAGEMENT_ADDR", "127.0.0.1:0", "PLATFORM_LOG_FORMAT", "json", "PLATFORM_HTTP_DRAIN_INTERVAL", "1s").serve(t)
	aside := run.managed(t)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		status, err := aside.request(t.Context(), "GET", "/ready", "", nil, nil)
		return err == nil && status == http.StatusServiceUnavailable
	}, 30*time.Second, time.Millisecond)
	aside.want(t, http.StatusOK, "GET", "/metrics", "", nil, nil)
	run.wait(t)
	require.Zero(t, run.code, &run.log)
}
