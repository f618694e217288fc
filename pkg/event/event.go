// Package event announces what has happened to whoever subscribes to it.
package event

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// Event is something that has happened: a struct in the api package of the module that announces it. It is kept and
// sent as JSON, so its fields are a contract: they may be added, and everything else is a new version.
type Event interface {
	// Topic is a constant such as "blog.post.published": the module, a noun, and a verb in the past.
	Topic() string

	// Version is a constant, at first 1. It rises when an older payload can no longer be read as it is: see Upcast.
	Version() int
}

// Keyed is an event that has to be handled in order: each subscriber sees the events of one tenant with the same key in
// the order in which the transactions that published them have committed. Events without a key come in any order.
type Keyed interface {
	Event

	// OrderKey is usually the id of what the event is about. It has up to 200 bytes.
	OrderKey() string
}

// Publisher announces events.
type Publisher interface {
	// Publish keeps ev together with what the transaction in ctx writes: both happen, or neither. Without a transaction
	// it opens its own. After the commit ev reaches every subscriber of its topic at least once. It carries the tenant,
	// the caller, the request and the trace of ctx.
	//
	// An ev that can never be delivered is refused here: ErrUnknownTopic, ErrTooLarge, ErrInvalid.
	Publish(ctx context.Context, ev Event) error
}

// What Publish refuses.
var (
	ErrUnknownTopic = problem.New(problem.Internal, "event.topic_unknown", "Internal error")
	ErrTooLarge     = problem.New(problem.TooLarge, "event.too_large", "The event is too large")
	ErrInvalid      = problem.New(problem.Internal, "event.invalid", "Internal error")
)

// Why a delivery fails without the subscriber's doing.
var (
	// ErrVersion is why an event cannot be read: its version is older than any that the subscriber can bring up to date,
	// or newer than the one that it knows.
	ErrVersion = problem.New(problem.Invalid, "event.version_unsupported", "The version of the event is not supported")

	// ErrPayload is why an event cannot be read: its data is not what its topic and version promise.
	ErrPayload = problem.New(problem.Invalid, "event.payload_invalid", "The payload of the event cannot be read")

	// ErrStuck is why an event was given up on: its handler neither finished in time nor obeyed the end of its context.
	ErrStuck = problem.New(problem.Internal, "event.handler_stuck", "The handler did not finish in time")

	// ErrPanic is why an event was given up on: its handler panicked.
	ErrPanic = problem.New(problem.Internal, "event.handler_panicked", "The handler panicked")
)

// Envelope is an event on its way.
type Envelope struct {
	ID        uuid.UUID // the same in every delivery
	Topic     string
	Version   int
	Key       string          // empty without an order
	Tenant    uuid.UUID       // zero when it was published outside any tenant
	Actor     uuid.UUID       // the user on whose behalf it was published; zero for the platform itself
	RequestID string          // of the request that led to it
	Trace     string          // W3C traceparent, or empty
	Time      time.Time       // when it was published
	Data      json.RawMessage // the event itself
}

type envelopeKey struct{}

// NewContext returns a context in which e is being handled. The platform calls it; modules do so in tests.
func NewContext(ctx context.Context, e *Envelope) context.Context {
	return context.WithValue(ctx, envelopeKey{}, e)
}

// FromContext returns the event that is being handled. It is shared: do not change it.
func FromContext(ctx context.Context) (*Envelope, bool) {
	e, ok := ctx.Value(envelopeKey{}).(*Envelope)
	return e, ok && e != nil
}
