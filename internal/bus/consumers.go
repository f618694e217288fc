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

// again is the pause before the carrier or the database, which is away, is asked again.
const again = time.Second

// Consumers receive from the carrier for every subscriber.
type Consumers struct {
	carrier Carrier // nil in one process: the relay calls the subscribers
	inbox   *outbox.Inbox
	log     *zap.Logger

	quit    context.CancelFunc
	running sync.WaitGroup
	opened  []message.Subscriber
}

// NewConsumers returns consumers that receive nothing before Start.
func NewConsumers(c Carrier, inbox *outbox.Inbox, log *zap.Logger) *Consumers {
	return &Consumers{carrier: c, inbox: inbox, log: log}
}

// Start begins to receive. A carrier that is away is asked again until it is there.
func (c *Consumers) Start(context.Context) error {
	begin, quit := context.WithCancel(context.Background())
	c.quit = quit
	if c.carrier == nil {
		return nil
	}
	for _, s := range c.inbox.Subscribers() {
		group, err := c.carrier.Group(s.Name, c.inbox.Prefetch())
		if err != nil {
			quit()
			return fmt.Errorf("receive for %s: %w", s.Name, err)
		}
		c.opened = append(c.opened, group)
		for _, topic := range s.Topics {
			c.running.Go(func() { c.consume(begin, group, s.Name, topic) })
		}
	}
	return nil
}

// Stop waits for what is being handled. What was not acknowledged is delivered again, to another replica.
func (c *Consumers) Stop(ctx context.Context) error {
	c.quit()
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

// consume receives one topic for one subscriber, until begin ends.
func (c *Consumers) consume(begin context.Context, group message.Subscriber, subscriber, topic string) {
	failing := false
	for begin.Err() == nil {
		err := c.receive(begin, group, subscriber, topic)
		if err != nil && !failing && begin.Err() == nil {
			c.log.Warn("events cannot be received for now", zap.String("subscriber", subscriber), zap.String("topic", topic), zap.Error(err))
		}
		failing = err != nil
		rest(begin, again)
	}
}

// receive has workers handle what a subscription delivers, until it ends. What is not handled then comes again. The
// subscription outlives begin until the workers are done, and what they have handled is acknowledged.
func (c *Consumers) receive(begin context.Context, group message.Subscriber, subscriber, topic string) error {
	receiving, leave := context.WithCancel(context.Background())
	defer leave()
	asking := context.AfterFunc(begin, leave)
	messages, err := group.Subscribe(receiving, topic)
	asking()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(begin)
	defer end()
	l := newLine(c.inbox.Workers())
	var working sync.WaitGroup
	for range c.inbox.Workers() {
		working.Go(func() { (&worker{c, l, subscriber}).work(ctx) })
	}
	left := context.AfterFunc(ctx, func() { working.Wait(); leave() })
	for m := range messages {
		c.arrive(l, subscriber, m)
	}
	left()
	end()
	working.Wait()
	return nil
}

func (c *Consumers) arrive(l *line, subscriber string, m *message.Message) {
	e, err := Decode(m.Payload)
	if err != nil { // it is none of ours, and would come again for ever
		c.log.Error("a message of the broker is no event and was dropped", zap.String("subscriber", subscriber), zap.Error(err))
		m.Ack()
		return
	}
	l.add(m, e)
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
