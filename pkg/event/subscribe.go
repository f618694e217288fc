package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Subscriber reacts to events. Modules contribute it with module.Subscribers.
type Subscriber interface {
	// Name is unique and never changes, such as "search.indexer": what has been delivered is remembered under it.
	Name() string

	// Subscriptions are the topics and what to do about them, one for each topic: see On.
	Subscriptions() []Subscription
}

// Subscription is what a subscriber does about one topic.
type Subscription struct {
	Topic   string
	Version int // the version that Handle can read

	// Handle runs in a transaction that commits together with the mark that the event was handled, so what it writes
	// with ctx happens once, however often the event is delivered; what it does elsewhere must bear repetition. ctx
	// carries the tenant, the caller, the request and the trace of whoever published the event, and ends when the time
	// for handling is over. Several events may share the transaction: an error undoes it, the others are tried again at
	// once, and this one after a pause that grows.
	Handle func(ctx context.Context, e *Envelope) error
}

// On subscribes fn to the topic of E.
func On[E Event](fn func(ctx context.Context, ev E) error) Subscription {
	var of E
	return Subscription{Topic: of.Topic(), Version: of.Version(), Handle: func(ctx context.Context, e *Envelope) error {
		var ev E
		if err := json.Unmarshal(e.Data, &ev); err != nil {
			return Permanent(ErrPayload.Wrap(fmt.Errorf("decode %s version %d: %w", e.Topic, e.Version, err)))
		}
		return fn(ctx, ev)
	}}
}

// Permanent marks an error that no further try can mend: the event is parked at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent tells whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }
