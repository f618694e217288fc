// Package testbroker starts brokers of a test's own, on ports that nobody else uses, which the test may kill.
package testbroker

import (
	"context"
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

	start func(b *Broker) (running, error)
	running
}

// running is a server that has been started.
type running struct {
	stop  func()
	ended <-chan struct{} // closed when it has ended by itself; nil for one in this process
}

// All are the brokers that there are, by the name of the carrier.
var All = map[string]func(testing.TB) *Broker{"nats": NATS, "redis": Redis, "kafka": Kafka}

// NATS is a nats-server that keeps its streams when it is killed.
func NATS(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{Name: "nats", Dir: t.TempDir(), start: func(b *Broker) (running, error) {
		return launch("nats-server", "-a", "127.0.0.1", "-p", port(b.Addr), "-js", "-sd", b.Dir)
	}}
	return b.run(t, "nats-server", "nats.url=nats://ADDR", "nats.stream=T"+strings.ReplaceAll(uuid.NewString(), "-", ""), "nats.ack_wait=5s")
}

// Redis is a redis-server that forgets everything when it is killed.
func Redis(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{Name: "redis", start: func(b *Broker) (running, error) {
		return launch("redis-server", "--bind", "127.0.0.1", "--port", port(b.Addr), "--save", "", "--appendonly", "no")
	}}
	return b.run(t, "redis-server", "redis.url=redis://ADDR/0", "redis_streams.lease=1s")
}

// Kafka is kfake, the broker in one process that its client is tested with. It forgets everything when it is stopped.
func Kafka(t testing.TB) *Broker {
	t.Helper()
	return KafkaWith(t)
}

// KafkaWith is Kafka with options, such as who may sign in.
func KafkaWith(t testing.TB, options ...kfake.Opt) *Broker {
	t.Helper()
	b := &Broker{Name: "kafka", start: func(b *Broker) (running, error) {
		c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), network, b.Addr)
		})}, options...)...)
		if err != nil {
			return running{}, err
		}
		return running{stop: c.Close}, nil
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
	b.Addr = Address(t)
	b.Settings = []string{"events.carrier=" + b.Name}
	for _, s := range settings {
		b.Settings = append(b.Settings, strings.ReplaceAll(s, "ADDR", b.Addr))
	}
	b.Start(t)
	t.Cleanup(b.Kill)
	return b
}

// Start starts it again after Kill, at the same address.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); <-time.After(20 * time.Millisecond) {
		if b.running, err = b.start(b); err == nil && b.answers() {
			return
		}
		b.Kill()
	}
	require.NoError(t, err)
	require.Fail(t, "it does not come up", b.Name)
}

// answers waits until it accepts connections. It may end instead: a process that another test starts can hold a port that was
// just closed for a moment more, between fork and exec.
func (b *Broker) answers() bool {
	for until := time.Now().Add(time.Minute); time.Now().Before(until); <-time.After(10 * time.Millisecond) {
		select {
		case <-b.ended:
			return false
		default:
		}
		if conn, err := net.DialTimeout("tcp", b.Addr, time.Second); err == nil {
			_ = conn.Close()
			return true
		}
	}
	return false
}

// Kill ends it at once. What it has not kept on disk is lost.
func (b *Broker) Kill() {
	if b.stop != nil {
		b.stop()
	}
	b.running = running{}
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func launch(program string, args ...string) (running, error) {
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		return running{}, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	return running{ended: ended, stop: func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
	}}, nil
}
