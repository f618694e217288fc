package kafka_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/kafka"
	"github.com/yourorg/platform/internal/testbroker"
)

func open(t *testing.T, b *testbroker.Broker, partitions int) *kafka.Cluster {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.Partitions, cfg.SessionTimeout = []string{b.Addr}, partitions, 6*time.Second
	c, err := kafka.New(cfg, "key", zap.NewNop())
	require.NoError(t, err)
	return c
}

// closing is a subscriber with connections of its own.
type closing struct {
	message.Subscriber
	cluster *kafka.Cluster
}

func (c closing) Close() error { return errors.Join(c.Subscriber.Close(), c.cluster.Close()) }

func TestKafkaIsACarrierAsWatermillUnderstandsIt(t *testing.T) {
	t.Parallel()
	b := testbroker.Kafka(t)
	both := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		cluster := open(t, b, 1) // the suite knows no keys: the order of a topic is that of its one partition
		receives, err := cluster.Group(group, 1)
		require.NoError(t, err)
		return open(t, b, 1), closing{receives, cluster}
	}
	tests.TestPubSub(t, tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true,
		NewSubscriberReceivesOldMessages: false, // of one group: what it has acknowledged is done
	}, func(t *testing.T) (message.Publisher, message.Subscriber) { return both(t, "default") }, both)
}

func TestMessagesOfOneKeyStayInOrderOverAllPartitions(t *testing.T) {
	t.Parallel()
	c := open(t, testbroker.Kafka(t), 4)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	const keys, each = 20, 10
	for n := range each {
		var all []*message.Message
		for k := range keys {
			m := message.NewMessage(string(rune('a'+k)), []byte{byte(n)})
			m.Metadata.Set("key", m.UUID)
			all = append(all, m)
		}
		require.NoError(t, c.Publish("topic", all...))
	}
	g, err := c.Group("g", 1)
	require.NoError(t, err)
	in, err := g.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	got := map[string][]byte{}
	for range keys * each {
		select {
		case m := <-in:
			require.Equal(t, m.UUID, m.Metadata.Get("key"))
			got[m.UUID] = append(got[m.UUID], m.Payload...)
			m.Ack()
		case <-time.After(30 * time.Second):
			require.Fail(t, "nothing came")
		}
	}
	require.Len(t, got, keys)
	for k, numbers := range got {
		require.Equal(t, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, numbers, k)
	}
	require.NoError(t, g.Close())
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, kafka.DefaultConfig().Validate())
	for key, change := range map[string]func(*kafka.Config){
		"brokers": func(c *kafka.Config) { c.Brokers = []string{"host"} }, "mechanism": func(c *kafka.Config) { c.Mechanism = "none" },
		"prefix": func(c *kafka.Config) { c.Prefix = "a b" }, "partitions": func(c *kafka.Config) { c.Partitions = -1 },
		"replicas": func(c *kafka.Config) { c.Replicas = 10 }, "session_timeout": func(c *kafka.Config) { c.SessionTimeout = time.Second },
	} {
		cfg := kafka.DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), key)
	}
	shown := kafka.DefaultConfig()
	shown.Username, shown.Mechanism = "platform", kafka.Plain
	require.ErrorContains(t, shown.Validate(), "mechanism")
	shown.TLS = true
	require.NoError(t, shown.Validate())
	none := kafka.DefaultConfig()
	none.Brokers = nil
	require.ErrorContains(t, none.Validate(), "brokers")
}

func TestItGoesOnAfterTheClusterHasForgottenEverything(t *testing.T) {
	t.Parallel()
	b := testbroker.Kafka(t)
	c := open(t, b, 3)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	g, err := c.Group("g", 1)
	require.NoError(t, err)
	in, err := g.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	pass := func(id string) {
		require.Eventually(t, func() bool { return c.Publish("topic", message.NewMessage(id, nil)) == nil }, time.Minute, 10*time.Millisecond)
		for limit := time.After(time.Minute); ; {
			select {
			case m, ok := <-in:
				if !ok { // it is asked again, as the bus does
					require.Eventually(t, func() bool { in, err = g.Subscribe(t.Context(), "topic"); return err == nil }, time.Minute, 10*time.Millisecond)
					continue
				}
				m.Ack()
				if m.UUID == id {
					return
				}
			case <-limit:
				require.Fail(t, "nothing came", id)
				return
			}
		}
	}
	pass("1")
	for _, id := range []string{"2", "3"} {
		b.Kill()
		b.Start(t)
		pass(id)
	}
	require.NoError(t, g.Close())
}
