package main

import (
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// activated is the binary as systemd would start it with these sockets.
func (p place) activated(t *testing.T, names string, sockets ...*net.TCPListener) *exec.Cmd {
	t.Helper()
	plain := p.command()
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, binary, "all") // the pid is known only then
	cmd.Dir, cmd.Env = plain.Dir, append(plain.Env, "LISTEN_FDNAMES="+names, "LISTEN_FDS="+string(rune('0'+len(sockets))))
	for _, s := range sockets {
		file, err := s.File()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	return cmd
}

func socket(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ln.Close()) })
	return ln.(*net.TCPListener)
}

// Between the end of one process and the start of the next, connections wait in the socket.
func TestARestartWithASocketOfSystemdFailsNoRequest(t *testing.T) {
	t.Parallel()
	public, aside := socket(t), socket(t)
	here := newPlace(t).with("PLATFORM_LOG_LEVEL", "warn", "PLATFORM_HTTP_DRAIN_INTERVAL", drainInterval,
		"PLATFORM_HTTP_ADDR", "systemd:http", "PLATFORM_HTTP_MANAGEMENT_ADDR", "systemd:aside")
	start := func() *running { return launch(t, here.activated(t, "http:aside", public, aside)).up(t) }
	run := start()
	require.Equal(t, "http://"+public.Addr().String(), run.platformURL)
	(&running{platformURL: "http://" + aside.Addr().String()}).want(t, http.StatusOK, "GET", "/metrics", "", nil, nil)
	token := run.register(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	b := &balancer{backends: []*backend{{url: run.platformURL, ready: true, client: client}}} // it does not ask who is ready
	l := b.load(t, token)
	for range 2 {
		require.Zero(t, run.stop(t), &run.log)
		run = start()
		before := l.answered.Load()
		require.Eventually(t, func() bool { return l.answered.Load() > before+50 }, time.Minute, time.Millisecond)
	}
	l.end()
	require.Zero(t, l.failed.Load(), "of %d requests, the first ones:\n%s", l.answered.Load(), strings.Join(l.failures, "\n"))
	t.Logf("2 restarts: %d requests, none failed, the slowest took %s", l.answered.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
	run.wantKept(t, token, int(l.created.Load()))
	require.Zero(t, run.stop(t), &run.log)
}

func TestASocketThatIsNotThereFailsTheStart(t *testing.T) {
	t.Parallel()
	here := newPlace(t).with("PLATFORM_HTTP_ADDR", "systemd")
	run := here.run(t, "serve")
	require.Equal(t, 1, run.code)
	require.Contains(t, run.log.String(), "http.addr: systemd is 0 of the sockets that the process was given: it was given none")
	health := here.run(t, "health")
	require.Equal(t, 1, health.code)
	require.Contains(t, health.log.String(), "systemd is opened by systemd: say where it is")
}
