package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/outbox"
)

// again is the pause before the carrier is asked again, or given a message back that the database could not take.
const again = time.Second

// Consumers receive from the carrier for every subscriber.
type Consumers struct {
	carrier Carrier // nil in one process: the relay calls the subscribers
	inbox   *outbox.Inbox
	log     *zap.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
	opened  []message.Subscriber
}

// NewConsumers returns consumers that receive nothing before Start.
func NewConsumers(c Carrier, inbox *outbox.Inbox, log *zap.Logger) *Consumers {
	return &Consumers{carrier: c, inbox: inbox, log: log}
}

// Start begins to receive. A carrier that is away is asked again until it is there.
func (c *Consumers) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	if c.carrier == nil {
		return nil
	}
	for _, s := range c.inbox.Subscribers() {
		group, err := c.carrier.Group(s.Name)
		if err != nil {
			cancel()
			return fmt.Errorf("receive for %s: %w", s.Name, err)
		}
		c.opened = append(c.opened, group)
		for _, topic := range s.Topics {
			c.running.Go(func() { c.consume(ctx, group, s.Name, topic) })
		}
	}
	return nil
}

// Stop waits for what is being handled. What was not acknowledged is delivered again, to another replica.
func (c *Consumers) Stop(ctx context.Context) error {
	c.cancel()
	ended := make(chan struct{})
	go func() {
		c.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		return fmt.Errorf("stop receiving events: %w", ctx.Err())
	}
	for _, group := range c.opened {
		if err := group.Close(); err != nil {
			c.log.Warn("a subscription was not closed", zap.Error(err))
		}
	}
	return nil
}

func (c *Consumers) consume(ctx context.Context, group message.Subscriber, subscriber, topic string) {
	failing := false
	for ctx.Err() == nil {
		messages, err := group.Subscribe(ctx, topic)
		if err == nil {
			failing = false
			for m := range messages {
				c.receive(ctx, subscriber, m)
			}
		} else if !failing && ctx.Err() == nil {
			failing = true
			c.log.Warn("events cannot be received for now", zap.String("subscriber", subscriber), zap.String("topic", topic), zap.Error(err))
		}
		rest(ctx, again)
	}
}

// receive acknowledges a message once it is in the inbox, and not before.
func (c *Consumers) receive(ctx context.Context, subscriber string, m *message.Message) {
	e, err := Decode(m.Payload)
	if err != nil { // it is none of ours, and would come again for ever
		c.log.Error("a message of the broker is no event and was dropped", zap.String("subscriber", subscriber), zap.Error(err))
		m.Ack()
		return
	}
	if err := c.inbox.Receive(context.WithoutCancel(ctx), subscriber, e); err != nil {
		c.log.Warn("an event could not be received and will come again", zap.String("subscriber", subscriber), zap.Stringer("event", e.ID), zap.Error(err))
		rest(ctx, again)
		m.Nack()
		return
	}
	m.Ack()
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
