// Package testbroker starts brokers of a test's own, on ports that nobody else uses, which the test may kill.
package testbroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker is a server that runs until the end of the test.
type Broker struct {
	Name     string   // of the carrier
	Settings []string // that make a platform use it, key=value
	Addr     string   // host:port
	Dir      string   // where it keeps what it remembers; empty when it forgets everything

	start func(b *Broker) (stop func(), err error)
	stop  func()
}

// All are the brokers that there are, by the name of the carrier.
var All = map[string]func(testing.TB) *Broker{"nats": NATS, "redis": Redis, "kafka": Kafka}

// NATS is a nats-server that keeps its streams when it is killed.
func NATS(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{Name: "nats", Dir: t.TempDir(), start: func(b *Broker) (func(), error) {
		return launch("nats-server", "-a", "127.0.0.1", "-p", port(b.Addr), "-js", "-sd", b.Dir)
	}}
	return b.run(t, "nats-server", "nats.url=nats://ADDR", "nats.stream=T"+strings.ReplaceAll(uuid.NewString(), "-", ""), "nats.ack_wait=5s")
}

// Redis is a redis-server that forgets everything when it is killed.
func Redis(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{Name: "redis", start: func(b *Broker) (func(), error) {
		return launch("redis-server", "--bind", "127.0.0.1", "--port", port(b.Addr), "--save", "", "--appendonly", "no")
	}}
	return b.run(t, "redis-server", "redis.url=redis://ADDR/0", "redis_streams.lease=1s")
}

// Kafka is kfake, the broker in one process that its client is tested with. It forgets everything when it is stopped.
func Kafka(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{Name: "kafka", start: func(b *Broker) (func(), error) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), network, b.Addr)
		}))
		if err != nil {
			return nil, err
		}
		return c.Close, nil
	}}
	return b.run(t, "", "kafka.brokers=ADDR", "kafka.partitions=3", "kafka.session_timeout=6s")
}

// run starts the server. Without its program the test is skipped, or fails if PLATFORM_TEST_REQUIRE names the carrier.
func (b *Broker) run(t testing.TB, program string, settings ...string) *Broker {
	t.Helper()
	if _, err := exec.LookPath(program); program != "" && err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PLATFORM_TEST_REQUIRE"), ","), b.Name), "%s is not installed", program)
		t.Skipf("%s is not installed", program)
	}
	b.Addr = free(t)
	b.Settings = []string{"events.carrier=" + b.Name}
	for _, s := range settings {
		b.Settings = append(b.Settings, strings.ReplaceAll(s, "ADDR", b.Addr))
	}
	b.Start(t)
	t.Cleanup(b.Kill)
	return b
}

// free is an address that nobody listens on, and that no connection of ours is given in the meantime: those come from
// higher ports.
func free(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15_000+rand.N(15_000))
		if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr); err == nil {
			require.NoError(t, l.Close())
			return addr
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// Start starts it again after Kill, at the same address.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	var err error
	b.stop, err = b.start(b)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		conn, err := net.DialTimeout("tcp", b.Addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond, "%s does not come up", b.Name)
}

// Kill ends it at once. What it has not kept on disk is lost.
func (b *Broker) Kill() {
	if b.stop != nil {
		b.stop()
	}
	b.stop = nil
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func launch(program string, args ...string) (func(), error) {
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	}, nil
}
