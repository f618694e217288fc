package notify

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// The states of a delivery.
const (
	Queued     = "queued"     // tried as soon as it is due
	Held       = "held"       // waits to be sent together with others
	Sent       = "sent"       // handed to a provider, who says no more
	Delivered  = "delivered"  // the recipient has it
	Failed     = "failed"     // given up on: see Why
	Suppressed = "suppressed" // the recipient does not want it
)

// Receipt is what became of a notification. It does not hold what it said, nor to which address it went.
type Receipt struct {
	ID         uuid.UUID
	Tenant     uuid.UUID // zero outside any tenant
	User       uuid.UUID // zero when it went to a bare address
	Template   string
	Category   string
	Locale     string
	Created    time.Time
	Expires    time.Time
	Deliveries []Delivery
}

// Delivery is one way that a notification goes.
type Delivery struct {
	ID         uuid.UUID
	Channels   []string // in the order in which they are tried
	Channel    string   // the one that is tried, or was last
	State      string   // one of the constants above
	Why        string   // it failed, waits or was suppressed
	ProviderID string   // by which the provider knows it
	Due        time.Time
	Changed    time.Time
	Attempts   []Attempt // the oldest first
}

// Attempt is one try on one channel.
type Attempt struct {
	Channel    string
	State      string // Sent, Delivered or Failed
	Why        string // it failed
	Permanent  bool   // no further try on this channel could have helped
	ProviderID string
	Time       time.Time
}

// ChannelHealth tells how a channel has done in the last 24 hours.
type ChannelHealth struct {
	Name        string
	Configured  bool // whether something can be delivered through it
	Attempts    int
	Failures    int
	LastSuccess time.Time // zero when there was none
	LastFailure time.Time
	LastError   string
}

// ReceiptFilter chooses receipts. Zero values choose all.
type ReceiptFilter struct {
	Tenant uuid.UUID
	State  string    // of any of its deliveries
	Before uuid.UUID // older than this one
	Limit  int
}

// ErrNotFound is the answer to an id that there is no notification of, or not for the caller.
var ErrNotFound = problem.New(problem.NotFound, "notify.not_found", "There is no such notification")

// Inspector shows the operator what became of the notifications of every tenant.
type Inspector interface {
	// Receipt returns one, or ErrNotFound.
	Receipt(ctx context.Context, id uuid.UUID) (Receipt, error)

	// Receipts lists them, newest first, without their attempts.
	Receipts(ctx context.Context, f ReceiptFilter) ([]Receipt, error)

	// Health lists the channels by name.
	Health(ctx context.Context) ([]ChannelHealth, error)
}
