// Package errorbus tells of what went wrong and nobody expected: panics, and errors that are no caller's fault.
package errorbus

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Report is one thing that went wrong. What is not set is taken from the context that it is reported in.
type Report struct {
	Time      time.Time
	Source    string // where it was noticed: "http", "jobs", "events" or "runners"
	Operation string // the template of the route, the kind of the job, the subscriber, the runner; never what a caller sent
	Err       error  // never nil; it may hold what a caller sent
	Stack     []byte // of a panic; nil otherwise
	RequestID string
	TraceID   string
	SpanID    string    // empty while nothing is traced
	Tenant    uuid.UUID // zero without one
	User      uuid.UUID // zero without one
}

// Panicked tells whether it was a panic.
func (r Report) Panicked() bool { return r.Stack != nil }

// Reporter takes reports.
type Reporter interface {
	// Report writes r into the log, and hands it to every sink without waiting for it: what a sink is too slow for is
	// dropped and counted.
	Report(ctx context.Context, r Report)
}

// Sink carries reports to where somebody looks, such as a service for errors. Contribute one with module.ReportsTo.
type Sink interface {
	// Name is for logs and metrics.
	Name() string

	// Send is called for one report after the other. It has five seconds. An error or a panic is logged, and the
	// report is gone.
	Send(ctx context.Context, r Report) error
}
