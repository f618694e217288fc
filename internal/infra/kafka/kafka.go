// Package kafka carries messages through Kafka, as a Publisher and Subscribers of Watermill.
package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
)

const (
	headerID       = "platform-message-id"
	headerMetadata = "platform-meta-"
	askTimeout     = 10 * time.Second
	largest        = 17 << 20 // bytes of one message; the cluster has a limit of its own
)

// Cluster is a Kafka cluster. It connects when it is used, and again whenever the cluster was away.
type Cluster struct {
	cfg    Config
	client *kgo.Client
	log    *zap.Logger
	keyOf  string

	mu   sync.Mutex
	made map[string]bool // topics that are known to be there
}

var _ message.Publisher = (*Cluster)(nil)

// New returns a cluster that may not be there yet. Messages with the same value of the metadata keyOf stay in order.
func New(cfg Config, keyOf string, log *zap.Logger) (*Cluster, error) {
	c := &Cluster{cfg: cfg, log: log, keyOf: keyOf, made: map[string]bool{}}
	client, err := kgo.NewClient(append(c.options(),
		kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(largest), kgo.BrokerMaxWriteBytes(100<<20), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordDeliveryTimeout(askTimeout), kgo.ProduceRequestTimeout(askTimeout), kgo.UnknownTopicRetries(0),
	)...)
	if err != nil {
		return nil, fmt.Errorf("use Kafka: %w", err)
	}
	c.client = client
	return c, nil
}

func (c *Cluster) options() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.cfg.Brokers...), kgo.ClientID("platform"), kgo.RetryTimeout(askTimeout), kgo.MetadataMinAge(500 * time.Millisecond),
		kgo.DisableClientMetrics(),
	}
	if c.cfg.TLS {
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if c.cfg.Username == "" {
		return opts
	}
	user, password := c.cfg.Username, c.cfg.Password.Reveal()
	switch c.cfg.Mechanism {
	case Plain:
		return append(opts, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	case SHA256:
		return append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
	}
	return append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
}

// Close ends the connections.
func (c *Cluster) Close() error {
	c.client.Close()
	return nil
}

func (c *Cluster) topic(name string) string { return c.cfg.Prefix + name }

// Publish returns when the cluster has kept the messages on all the brokers that are to have them.
func (c *Cluster) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(messages[0].Context(), askTimeout)
	defer cancel()
	if err := c.make(ctx, topic); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: c.topic(topic), Value: m.Payload, Headers: []kgo.RecordHeader{{Key: headerID, Value: []byte(m.UUID)}}}
		for name, value := range m.Metadata {
			records[i].Headers = append(records[i].Headers, kgo.RecordHeader{Key: headerMetadata + name, Value: []byte(value)})
		}
		if key := m.Metadata.Get(c.keyOf); key != "" {
			records[i].Key = []byte(key)
		}
	}
	err := c.client.ProduceSync(ctx, records...).FirstErr()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return event.Permanent(fmt.Errorf("publish to %s: %w", topic, err))
	}
	c.forget(topic)
	return fmt.Errorf("publish to %s: %w", topic, err)
}

// forget lets a topic be looked for again: it may have been lost, or been made once more, which shows as a timeout too.
func (c *Cluster) forget(topic string) {
	c.mu.Lock()
	delete(c.made, topic)
	c.mu.Unlock()
	c.client.PurgeTopicsFromClient(c.topic(topic))
}

// make makes a topic, once.
func (c *Cluster) make(ctx context.Context, topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made[topic] {
		return nil
	}
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic = c.topic(topic)
	wanted.NumPartitions, wanted.ReplicationFactor = -1, -1
	if c.cfg.Partitions > 0 {
		wanted.NumPartitions = int32(c.cfg.Partitions)
	}
	if c.cfg.Replicas > 0 {
		wanted.ReplicationFactor = int16(c.cfg.Replicas)
	}
	ask := kmsg.NewPtrCreateTopicsRequest()
	ask.Topics = append(ask.Topics, wanted)
	answer, err := ask.RequestWith(ctx, c.client)
	if err != nil {
		return fmt.Errorf("make the topic %s: %w", topic, err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("make the topic %s: %w", topic, err)
		}
	}
	c.made[topic] = true
	return nil
}
