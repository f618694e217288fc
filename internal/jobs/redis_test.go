package jobs_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// server is a private Redis server, which a test may stop and flush.
type server struct {
	port string
	cmd  *exec.Cmd
}

// requireRedis skips a test on a machine without redis-server, or fails it when PLATFORM_TEST_REQUIRE names redis.
func requireRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	for name := range strings.SplitSeq(os.Getenv("PLATFORM_TEST_REQUIRE"), ",") {
		if strings.TrimSpace(name) == "redis" {
			t.Fatal("PLATFORM_TEST_REQUIRE names redis, and redis-server is not installed")
		}
	}
	t.Skip("redis-server is not installed")
}

func newServer(t testing.TB) *server {
	t.Helper()
	requireRedis(t)
	s := startable(t)
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func startable(t testing.TB) *server {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return &server{port: port}
}

func (s *server) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	require.NoError(t, s.cmd.Start())
	require.Eventually(t, func() bool {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+s.port, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond)
}

// stop kills it. It forgets everything.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
}

func (s *server) settings() []string {
	return []string{"redis.url=redis://127.0.0.1:" + s.port, "redis.prefix=t" + strings.ReplaceAll(uuid.NewString(), "-", "")}
}

// The tests that do not harm it share one server.
var shared struct {
	sync.Mutex
	server *server
	users  int
}

// onRedis returns the settings of a platform whose jobs go through Redis.
func onRedis(t testing.TB) []string {
	t.Helper()
	requireRedis(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.users++; shared.server == nil {
		shared.server = startable(t)
		shared.server.start(t)
	}
	t.Cleanup(func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.users--; shared.users == 0 {
			shared.server.stop()
			shared.server = nil
		}
	})
	return shared.server.settings()
}
