package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

const (
	atOnce   = 100 // records that are read before the next commit
	afterNak = 100 * time.Millisecond
)

// Group is a consumer group for each topic. Each replica has some of the partitions, and one message under way at a
// time. Two of them may read a partition for a moment when it changes hands: both in the same order, so that whatever
// remembers what it has handled keeps that order.
type Group struct {
	*Cluster
	name    string
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (c *Cluster) Group(name string) (message.Subscriber, error) {
	return &Group{Cluster: c, name: name, closing: make(chan struct{})}, nil
}

// Close ends all subscriptions of the group.
func (g *Group) Close() error {
	g.once.Do(func() { close(g.closing) })
	g.open.Wait()
	return nil
}

// Subscribe receives what the topic holds and this group has not acknowledged.
func (g *Group) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	select {
	case <-g.closing:
		return nil, errors.New("the group is closed")
	default:
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := g.make(ask, topic); err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(g.options(),
		kgo.ConsumerGroup(g.cfg.Prefix+g.name+"--"+topic), kgo.ConsumeTopics(g.topic(topic)), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(g.cfg.SessionTimeout), kgo.HeartbeatInterval(g.cfg.SessionTimeout/5),
		kgo.FetchMaxWait(time.Second), kgo.FetchMaxPartitionBytes(1<<20),
	)...)
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
	})
	g.open.Go(func() {
		defer close(out)
		defer end()
		defer client.Close()
		if err := g.read(receiving, client, out); err != nil && receiving.Err() == nil {
			g.log.Warn("receiving is interrupted", zap.String("topic", topic), zap.String("group", g.name), zap.Error(err))
			g.forget(topic)
		}
	})
	return out, nil
}

// read hands over one message after the other, and commits what was acknowledged.
func (g *Group) read(ctx context.Context, client *kgo.Client, out chan<- *message.Message) error {
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, atOnce)
		if err := fetches.Err(); err != nil {
			return err
		}
		var done []*kgo.Record
		for _, r := range fetches.Records() {
			if !g.deliver(ctx, r, out) {
				break
			}
			done = append(done, r)
		}
		g.commit(ctx, client, done)
	}
	return nil
}

// commit ends messages for the group. Those whose end the cluster does not hear of come again.
func (g *Group) commit(ctx context.Context, client *kgo.Client, done []*kgo.Record) {
	if len(done) == 0 {
		return
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	if err := client.CommitRecords(ask, done...); err != nil {
		g.log.Debug("messages could not be acknowledged", zap.String("group", g.name), zap.Error(err))
	}
}

// deliver hands one message over until it is acknowledged. It returns false when the subscription ends before.
func (g *Group) deliver(ctx context.Context, r *kgo.Record, out chan<- *message.Message) bool {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	m := decode(r)
	for {
		m.SetContext(within)
		select {
		case <-ctx.Done():
			return false
		case out <- m:
		}
		select {
		case <-ctx.Done():
			return false
		case <-m.Acked():
			return true
		case <-m.Nacked():
		}
		m = m.Copy()
		pause := time.NewTimer(afterNak)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// decode reads what Publish has written, or somebody else.
func decode(r *kgo.Record) *message.Message {
	m := message.NewMessage("", r.Value)
	for _, h := range r.Headers {
		if h.Key == headerID {
			m.UUID = string(h.Value)
		} else if name, ours := strings.CutPrefix(h.Key, headerMetadata); ours {
			m.Metadata.Set(name, string(h.Value))
		}
	}
	return m
}
