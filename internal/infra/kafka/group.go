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
)

// Group is a consumer group for each topic. Each replica has some of the partitions. Two of them may read a partition for a moment when it changes hands: both in the same order, so that whatever
// remembers what it has handled keeps that order.
type Group struct {
	*Cluster
	name    string
	atOnce  int
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (c *Cluster) Group(name string, atOnce int) (message.Subscriber, error) {
	return &Group{Cluster: c, name: name, atOnce: atOnce, closing: make(chan struct{})}, nil
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
	out := make(chan *message.Message)
	r := newReader(g, topic, out)
	client, err := kgo.NewClient(append(g.options(),
		kgo.ConsumerGroup(g.cfg.Prefix+g.name+"--"+topic), kgo.ConsumeTopics(g.topic(topic)), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(g.cfg.SessionTimeout), kgo.HeartbeatInterval(g.cfg.SessionTimeout/5),
		kgo.FetchMaxWait(time.Second), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.OnPartitionsRevoked(r.revoked), kgo.OnPartitionsLost(r.lost),
	)...)
	if err != nil {
		return nil, fmt.Errorf("receive %s for %s: %w", topic, g.name, err)
	}
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
		defer client.Close()
		r.receive(receiving, end, client)
	})
	return out, nil
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
