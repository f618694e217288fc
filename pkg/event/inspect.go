package event

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// ErrNotFound is the answer to the id of an event that is not there, or no longer.
var ErrNotFound = problem.New(problem.NotFound, "event.not_found", "Event not found")

// ErrNoSubscriber is the answer to a replay for a subscriber that does not subscribe to the topic.
var ErrNoSubscriber = problem.New(problem.Invalid, "event.no_subscriber", "No such subscriber of this topic")

// The states of a delivery. One that has been handled is gone.
const (
	Ready   = "ready"   // to be handled as soon as possible
	Waiting = "waiting" // to be tried again later, or behind one that is
	Parked  = "parked"  // given up on, until somebody replays it
	Sent    = "sent"    // taken by the broker, and not handled by every subscriber yet
)

// Delivery is an event that a subscriber has not handled yet.
type Delivery struct {
	Event      uuid.UUID
	Topic      string
	Tenant     uuid.UUID
	Key        string
	Subscriber string
	State      string
	Attempts   int       // how often it has failed
	Error      string    // of the last attempt
	Next       time.Time // when it is tried again; zero unless it is waiting
	Changed    time.Time // when the last attempt ended

	Cursor string // continues a list after this one
}

// Backlog is what is not done for one subscriber, or for the broker, in one state.
type Backlog struct {
	To     string
	State  string
	Count  int64
	Oldest time.Time // when the oldest became so
}

// Filter chooses events. Zero values choose all.
type Filter struct {
	Topic  string
	Tenant uuid.UUID
	Before uuid.UUID // only events that are older than this one
	Limit  int
}

// Inspector shows the operator what was published and what became of it, across all tenants: who may ask is for the
// caller to decide.
type Inspector interface {
	// Events lists what was published, newest first, as long as it is kept.
	Events(ctx context.Context, f Filter) ([]Envelope, error)

	// Event returns one event and the deliveries that are not done.
	Event(ctx context.Context, id uuid.UUID) (Envelope, []Delivery, error)

	// Parked lists what was given up on, the longest-standing first, after the Cursor of another.
	Parked(ctx context.Context, after string, limit int) ([]Delivery, error)

	// Backlog counts the deliveries that are not done.
	Backlog(ctx context.Context) ([]Backlog, error)

	// Replay delivers an event again, in this process group and past any broker: to one subscriber, whether or not it
	// has handled it; or, when subscriber is empty, to all for which it is parked. It returns to how many. It takes
	// part in the transaction in ctx.
	Replay(ctx context.Context, id uuid.UUID, subscriber string) (int, error)
}
