package nats_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/nats"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
)

// closing is a subscriber with a connection of its own.
type closing struct {
	message.Subscriber
	server *nats.Server
}

func (c closing) Close() error { return errors.Join(c.Subscriber.Close(), c.server.Close()) }

func TestNATSIsACarrierAsWatermillUnderstandsIt(t *testing.T) {
	t.Parallel()
	url := config.URL("nats://" + testbroker.NATS(t).Addr)
	stream := "WATERMILL_" + strings.ReplaceAll(watermill.NewUUID(), "-", "")
	open := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		cfg := nats.DefaultConfig()
		cfg.URL, cfg.Stream, cfg.AckWait = url, stream, 5*time.Second
		sends, err := nats.New(cfg, zap.NewNop())
		require.NoError(t, err)
		server, err := nats.New(cfg, zap.NewNop())
		require.NoError(t, err)
		receives, err := server.Group(group, 1)
		require.NoError(t, err)
		return sends, closing{receives, server}
	}
	tests.TestPubSub(t, tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true,
		NewSubscriberReceivesOldMessages: false, // of one group: what it has acknowledged is done
	}, func(t *testing.T) (message.Publisher, message.Subscriber) { return open(t, "default") }, open)
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, nats.DefaultConfig().Validate())
	for key, change := range map[string]func(*nats.Config){
		"url": func(c *nats.Config) { c.URL = "http://host" }, "stream": func(c *nats.Config) { c.Stream = "a.b" },
		"replicas": func(c *nats.Config) { c.Replicas = 0 }, "max_age": func(c *nats.Config) { c.MaxAge = 0 },
		"ack_wait": func(c *nats.Config) { c.AckWait = 0 },
	} {
		cfg := nats.DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), key)
	}
}
