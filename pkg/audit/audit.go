// Package audit keeps who did what, and what came of it.
package audit

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"
)

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "succeeded" // it was done and committed
	Denied    Outcome = "denied"    // the caller may not
	Failed    Outcome = "failed"    // the caller may, but it did not work
)

// Entry is what a use case says about itself. Actor, tenant, address, request id and time come from the context.
type Entry struct {
	Action  string    // "<module>.<resource>.<action>", usually the permission
	Target  string    // what it was done to, such as "blog.post:0190…"; empty when there is no single one
	Outcome Outcome   // empty means Succeeded
	Tenant  uuid.UUID // only where the context has no tenant yet, such as sign-in
	Actor   uuid.UUID // only where the context has no caller yet
}

// Recorder appends to the audit trail.
type Recorder interface {
	// Record writes e in the caller's transaction, so that it is there exactly when the work is.
	Record(ctx context.Context, e Entry) error
}

// Event is one row of the trail.
type Event struct {
	ID         uuid.UUID
	Time       time.Time
	Actor      uuid.UUID // zero when nobody was signed in
	Permission string
	Target     string
	Outcome    Outcome
	IP         string
	RequestID  string
	Reason     string // the reason given to tenant.System, when the work saw more than one tenant
	Changes    []Change
}

// Filter limits a listing; zero values do not.
type Filter struct {
	Actor      uuid.UUID
	Permission string
	Target     string
	Outcome    Outcome
	From, To   time.Time // From inclusive, To exclusive
	RequestID  string
	Before     uuid.UUID // only events older than this one
	Limit      int       // 1–201, a page and one more; 0 means 201
}

// Trail lists the events of the tenant in ctx, newest first.
type Trail interface {
	Events(ctx context.Context, f Filter) ([]Event, error)
}

// Format is a form of an export.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson" // one JSON document a line; platformctl audit verify reads it
	CSV    Format = "csv"    // RFC 4180, in which no cell is a formula
)

// Exporter writes the whole trail of the tenant in ctx, the oldest event first. When it fails, a part may have been
// written; an NDJSON export that is not whole has no end line.
type Exporter interface {
	Export(ctx context.Context, f Format, w io.Writer) error
}
