// Package bus carries events through a broker: out of the outbox, and into the inbox of each subscriber.
package bus

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/pkg/event"
)

// OrderKey is the metadata of a message that names what it has to stay in order with, for carriers that split a topic.
const OrderKey = "order_key"

// Carrier is a broker, in the terms of Watermill.
type Carrier interface {
	message.Publisher

	// Group returns what receives for a subscriber: each message reaches one replica of it at a time, in the order in
	// which the topic has taken those of one OrderKey, and again until it is acknowledged or the broker has forgotten it.
	// No more than atOnce messages of a topic are under way, which are neither acknowledged nor given back. With one, what
	// was given back by a Nack comes before the next one. With more, others of its key may overtake it: who cannot do with
	// a message for now, and wants to keep the order, holds it, however long that takes.
	Group(name string, atOnce int) (message.Subscriber, error)
}

// Broker hands the events of the outbox to a carrier.
type Broker struct{ carrier Carrier }

var _ outbox.Broker = (*Broker)(nil)

// NewBroker returns the broker behind a carrier.
func NewBroker(c Carrier) *Broker { return &Broker{carrier: c} }

// Send implements outbox.Broker: all at once where the carrier takes them, else one event after the other, to find the
// one that it refuses. The order is that of the outbox; what is sent twice by that is known to the inbox.
func (b *Broker) Send(ctx context.Context, events []*event.Envelope) (int, error) {
	if len(events) > 1 && b.together(ctx, events) {
		return len(events), nil
	}
	for i, e := range events {
		m, err := b.message(ctx, e)
		if err != nil {
			return i, err
		}
		if err := b.carrier.Publish(e.Topic, m); err != nil {
			return i, fmt.Errorf("send event %s: %w", e.ID, err)
		}
	}
	return len(events), nil
}

// together sends events of one topic, and tells whether all were taken.
func (b *Broker) together(ctx context.Context, events []*event.Envelope) bool {
	messages := make([]*message.Message, len(events))
	for i, e := range events {
		m, err := b.message(ctx, e)
		if err != nil || e.Topic != events[0].Topic {
			return false
		}
		messages[i] = m
	}
	return b.carrier.Publish(events[0].Topic, messages...) == nil
}

func (b *Broker) message(ctx context.Context, e *event.Envelope) (*message.Message, error) {
	encoded, err := Encode(e)
	if err != nil {
		return nil, event.Permanent(err)
	}
	m := message.NewMessage(e.ID.String(), encoded)
	m.SetContext(ctx)
	if e.Key != "" {
		m.Metadata.Set(OrderKey, e.Tenant.String()+"/"+e.Key)
	}
	return m, nil
}
