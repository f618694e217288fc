package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Group is a durable consumer for each topic. One message of a topic is under way at a time, over all replicas, so that
// they stay in order.
type Group struct {
	*Server
	name    string
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (s *Server) Group(name string) (message.Subscriber, error) {
	return &Group{Server: s, name: name, closing: make(chan struct{})}, nil
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
		MaxAckPending: 1, MaxDeliver: -1, DeliverPolicy: jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return nil, fmt.Errorf("make the consumer of %s for %s: %w", topic, g.name, err)
	}
	// A server that is silent for a moment is asked again: it is no reason to stop receiving.
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullExpiry(5*time.Second),
		jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return nil, fmt.Errorf("receive %s for %s: %w", topic, g.name, err)
	}
	out := make(chan *message.Message)
	receiving, end := context.WithCancel(ctx)
	g.open.Go(func() {
		defer end()
		select {
		case <-g.closing:
		case <-receiving.Done():
		}
		messages.Stop()
	})
	g.open.Go(func() {
		defer end()
		defer close(out)
		for receiving.Err() == nil {
			in, err := messages.Next()
			if err != nil {
				if receiving.Err() == nil && !errors.Is(err, jetstream.ErrMsgIteratorClosed) {
					g.log.Warn("receiving is interrupted", zap.String("topic", topic), zap.String("group", g.name), zap.Error(err))
				}
				return
			}
			g.deliver(receiving, in, out)
		}
	})
	return out, nil
}

// deliver hands one message over and waits for its acknowledgement.
func (g *Group) deliver(ctx context.Context, in jetstream.Msg, out chan<- *message.Message) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	m := message.NewMessage(in.Headers().Get(headerID), in.Data())
	for key, values := range in.Headers() {
		if name, ours := strings.CutPrefix(key, headerMetadata); ours && len(values) > 0 {
			m.Metadata.Set(name, values[0])
		}
	}
	m.SetContext(within)
	select {
	case <-ctx.Done():
		_ = in.Nak()
		return
	case <-g.closing:
		_ = in.Nak()
		return
	case out <- m:
	}
	var err error
	select {
	case <-m.Acked():
		confirm, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		err = in.DoubleAck(confirm)
	case <-m.Nacked():
		err = in.Nak()
	case <-ctx.Done():
		err = in.Nak()
	case <-g.closing:
		err = in.Nak()
	}
	if err != nil { // it will come again, and the inbox knows it
		g.log.Debug("a message could not be acknowledged", zap.String("group", g.name), zap.Error(err))
	}
}
