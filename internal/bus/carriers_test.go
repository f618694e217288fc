package bus_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/bus"
	"github.com/yourorg/platform/internal/infra/kafka"
	"github.com/yourorg/platform/internal/infra/nats"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/redisstreams"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
)

const (
	topic    = "tea.cup.poured"
	patience = time.Minute
)

// carriers runs a test for every carrier. Each call of open is another replica.
func carriers(t *testing.T, fn func(t *testing.T, open func() bus.Carrier)) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(testbroker.All)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := testbroker.All[name](t).Addr
			settings := bus.Brokers{NATS: nats.DefaultConfig(), Streams: redisstreams.DefaultConfig(), Kafka: kafka.DefaultConfig()}
			settings.NATS.URL, settings.NATS.AckWait = config.URL("nats://"+addr), 3*time.Second
			settings.NATS.Stream = "T" + strings.ReplaceAll(uuid.NewString(), "-", "")
			settings.Redis = redis.Config{URL: config.URL("redis://" + addr)}
			settings.Streams.Lease = time.Second
			settings.Kafka.Brokers, settings.Kafka.Partitions, settings.Kafka.SessionTimeout = []string{addr}, 1, 6*time.Second
			fn(t, func() bus.Carrier {
				c, closer, err := bus.Open(name, settings, zap.NewNop())
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, closer.Close()) })
				return c
			})
		})
	}
}

// send publishes messages 0…n-1 of one key.
func send(t *testing.T, c bus.Carrier, n int) {
	t.Helper()
	all := make([]*message.Message, n)
	for i := range all {
		all[i] = message.NewMessage(fmt.Sprint(i), nil)
		all[i].Metadata.Set(bus.OrderKey, "k")
	}
	require.NoError(t, c.Publish(topic, all...))
}

func subscribe(t *testing.T, c bus.Carrier, atOnce int) (message.Subscriber, <-chan *message.Message) {
	t.Helper()
	g, err := c.Group("g", atOnce)
	require.NoError(t, err)
	in, err := g.Subscribe(t.Context(), topic)
	require.NoError(t, err)
	return g, in
}

func next(t *testing.T, in <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, open := <-in:
		require.True(t, open, "the subscription has ended")
		return m
	case <-time.After(patience):
		require.Fail(t, "nothing came")
		return nil
	}
}

func nothing(t *testing.T, in <-chan *message.Message, within time.Duration) {
	t.Helper()
	select {
	case m := <-in:
		require.Fail(t, "something came", m.UUID)
	case <-time.After(within):
	}
}

func TestNoMoreAreUnderWayThanWereAskedFor(t *testing.T) {
	t.Parallel()
	carriers(t, func(t *testing.T, open func() bus.Carrier) {
		c := open()
		send(t, c, 10)
		g, in := subscribe(t, c, 4)
		var held []*message.Message
		for n := range 4 {
			held = append(held, next(t, in))
			require.Equal(t, fmt.Sprint(n), held[n].UUID)
		}
		nothing(t, in, 300*time.Millisecond)
		for _, n := range []int{2, 1} { // whatever is done makes room, in any order
			held[n].Ack()
			held = append(held, next(t, in))
		}
		nothing(t, in, 300*time.Millisecond)
		held[0].Ack()
		for _, m := range held[3:] {
			m.Ack()
		}
		for n := 6; n < 10; n++ {
			m := next(t, in)
			require.Equal(t, fmt.Sprint(n), m.UUID)
			m.Ack()
		}
		require.NoError(t, g.Close())
	})
}

func TestWhatAReplicaLeavesComesToAnotherInOrder(t *testing.T) {
	t.Parallel()
	carriers(t, func(t *testing.T, open func() bus.Carrier) {
		c := open()
		send(t, c, 12)
		g, in := subscribe(t, c, 8)
		var held []*message.Message
		for range 8 {
			held = append(held, next(t, in))
		}
		for _, n := range []int{0, 1, 4} {
			held[n].Ack()
		}
		require.NoError(t, g.Close())

		g, in = subscribe(t, open(), 8)
		var got []string
		for !slices.Contains(got, "11") {
			m := next(t, in)
			got = append(got, m.UUID)
			m.Ack()
		}
		got = slices.DeleteFunc(got, func(id string) bool { return slices.Contains([]string{"0", "1", "4"}, id) }) // they may come again
		require.Equal(t, []string{"2", "3", "5", "6", "7", "8", "9", "10", "11"}, got)
		require.NoError(t, g.Close())
	})
}

func TestAMessageThatIsHeldForLongIsNotDeliveredAgain(t *testing.T) {
	t.Parallel()
	carriers(t, func(t *testing.T, open func() bus.Carrier) {
		c, other := open(), open()
		g, in := subscribe(t, c, 4)
		send(t, c, 2)
		held := []*message.Message{next(t, in), next(t, in)}
		g2, in2 := subscribe(t, other, 4)
		select { // longer than NATS waits for an acknowledgement, and than a lease in Redis
		case m := <-in:
			require.Fail(t, "it came again", m.UUID)
		case m := <-in2:
			require.Fail(t, "it came again, elsewhere", m.UUID)
		case <-time.After(7 * time.Second):
		}
		for _, m := range held {
			m.Ack()
		}
		require.NoError(t, g.Close())
		require.NoError(t, g2.Close())
	})
}
