package redisstreams_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/redisstreams"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
)

func open(t *testing.T, b *testbroker.Broker) *redisstreams.Streams {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: config.URL("redis://" + b.Addr)})
	require.NoError(t, err)
	cfg := redisstreams.DefaultConfig()
	cfg.Lease = 3 * time.Second
	return redisstreams.New(cfg, client, zap.NewNop())
}

// closing is a subscriber with connections of its own.
type closing struct {
	message.Subscriber
	streams *redisstreams.Streams
}

func (c closing) Close() error { return errors.Join(c.Subscriber.Close(), c.streams.Close()) }

func TestRedisIsACarrierAsWatermillUnderstandsIt(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	both := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		server := open(t, b)
		receives, err := server.Group(group, 1)
		require.NoError(t, err)
		return open(t, b), closing{receives, server}
	}
	tests.TestPubSub(t, tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true,
		NewSubscriberReceivesOldMessages: false, // of one group: what it has acknowledged is done
	}, func(t *testing.T) (message.Publisher, message.Subscriber) { return both(t, "default") }, both)
}

func TestAnotherReplicaGoesOnWithWhatOneDidNotAcknowledge(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	first, second := open(t, b), open(t, b)
	t.Cleanup(func() { require.NoError(t, second.Close()) })
	groups := map[*redisstreams.Streams]message.Subscriber{}
	in := map[*redisstreams.Streams]<-chan *message.Message{}
	for _, s := range []*redisstreams.Streams{first, second} {
		var err error
		groups[s], err = s.Group("g", 1)
		require.NoError(t, err)
		in[s], err = groups[s].Subscribe(t.Context(), "topic")
		require.NoError(t, err)
		require.NoError(t, s.Publish("topic", message.NewMessage(map[bool]string{true: "a", false: "b"}[s == first], nil)))
	}
	next := func(from <-chan *message.Message) *message.Message {
		select {
		case m := <-from:
			return m
		case <-time.After(30 * time.Second):
			require.Fail(t, "nothing came")
			return nil
		}
	}
	var holder, other *redisstreams.Streams
	select {
	case m := <-in[first]:
		require.Equal(t, "a", m.UUID)
		holder, other = first, second
	case m := <-in[second]:
		require.Equal(t, "a", m.UUID)
		holder, other = second, first
	}
	select {
	case <-in[other]:
		require.Fail(t, "two replicas are at work at once")
	case <-time.After(4 * time.Second): // longer than the lease, which is renewed
	}
	require.NoError(t, groups[holder].Close()) // without an acknowledgement
	if holder == second {
		second = first
	}
	require.NoError(t, holder.Close())
	for _, want := range []string{"a", "b"} {
		m := next(in[other])
		require.Equal(t, want, m.UUID)
		m.Ack()
	}
	require.NoError(t, groups[other].Close())
}

func TestItGoesOnAfterRedisHasForgottenEverything(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	s := open(t, b)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	g, err := s.Group("g", 1)
	require.NoError(t, err)
	in, err := g.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	pass := func(id string) {
		require.Eventually(t, func() bool { return s.Publish("topic", message.NewMessage(id, nil)) == nil }, 30*time.Second, 10*time.Millisecond)
		for {
			select {
			case m := <-in:
				m.Ack()
				if m.UUID == id {
					return
				}
			case <-time.After(30 * time.Second):
				require.Fail(t, "nothing came")
			}
		}
	}
	pass("1")
	client, err := redis.Open(redis.Config{URL: config.URL("redis://" + b.Addr)})
	require.NoError(t, err)
	require.NoError(t, client.FlushAll(context.Background()).Err())
	require.NoError(t, client.Close())
	pass("2")
	b.Kill()
	require.Error(t, s.Publish("topic", message.NewMessage("3", nil)))
	b.Start(t)
	pass("4")
	require.NoError(t, g.Close())
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, redisstreams.DefaultConfig().Validate())
	for key, change := range map[string]func(*redisstreams.Config){
		"prefix": func(c *redisstreams.Config) { c.Prefix = "a b" }, "max_length": func(c *redisstreams.Config) { c.MaxLength = 1 },
		"lease": func(c *redisstreams.Config) { c.Lease = 0 },
	} {
		cfg := redisstreams.DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), key)
	}
}
