package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Group is a durable consumer for each topic. One replica at a time receives from it, which keeps the order: see the lease.
// No more than atOnce messages are under way.
type Group struct {
	*Server
	name    string
	atOnce  int
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (s *Server) Group(name string, atOnce int) (message.Subscriber, error) {
	return &Group{Server: s, name: name, atOnce: atOnce, closing: make(chan struct{})}, nil
}

// Close ends all subscriptions of the group.
func (g *Group) Close() error {
	g.once.Do(func() { close(g.closing) })
	g.open.Wait()
	return nil
}

// durable is a name that JetStream accepts.
func (g *Group) durable(topic string) string {
	return strings.NewReplacer(".", "-", "/", "-", " ", "-", "*", "-", ">", "-").Replace(g.name + "--" + topic)
}

// Subscribe receives what the topic holds and this group has not acknowledged.
func (g *Group) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	select {
	case <-g.closing:
		return nil, errors.New("the group is closed")
	default:
	}
	if err := g.stream(ask); err != nil {
		return nil, err
	}
	consumer, err := g.js.CreateOrUpdateConsumer(ask, g.cfg.Stream, jetstream.ConsumerConfig{
		Durable: g.durable(topic), FilterSubject: g.prefix() + topic, AckPolicy: jetstream.AckExplicitPolicy, AckWait: g.cfg.AckWait,
		MaxAckPending: g.atOnce, MaxDeliver: -1, DeliverPolicy: jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return nil, fmt.Errorf("make the consumer of %s for %s: %w", topic, g.name, err)
	}
	leases, err := g.leases(ask)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	receiving, end := context.WithCancel(ctx)
	g.open.Go(func() {
		defer end()
		select {
		case <-g.closing:
		case <-receiving.Done():
		}
	})
	g.open.Go(func() {
		defer close(out)
		defer end()
		l := &lease{bucket: leases, key: g.durable(topic), me: uuid.NewString(), lasts: g.cfg.AckWait}
		err := l.campaign(receiving, func(held context.Context) error {
			// A server that is silent for a moment is asked again: it is no reason to stop receiving.
			messages, err := consumer.Messages(jetstream.PullMaxMessages(g.atOnce), jetstream.PullExpiry(5*time.Second),
				jetstream.WithMessagesErrOnMissingHeartbeat(false))
			if err != nil {
				return err
			}
			return (&reader{Group: g, topic: topic, consumer: consumer, out: out}).read(held, messages)
		})
		if err != nil && receiving.Err() == nil {
			g.log.Warn("receiving is interrupted", zap.String("topic", topic), zap.String("group", g.name), zap.Error(err))
		}
	})
	return out, nil
}
