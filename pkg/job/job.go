// Package job does work later, outside the request that asked for it.
package job

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// Args is a piece of work: a struct in the module that does it, or in its api package when others may ask for it. It is
// kept as JSON, so its fields are a contract: they may be added, and everything else is a new version.
type Args interface {
	// Kind is a constant such as "blog.index_post": the module and an order.
	Kind() string

	// Version is a constant, at first 1. It rises when older arguments can no longer be read as they are: see Upcast.
	Version() int
}

// Enqueuer takes work.
type Enqueuer interface {
	// Enqueue keeps the job together with what the transaction in ctx writes: both happen, or neither. Without a
	// transaction it opens its own. After the commit the job runs at least once, and its effect happens once when its
	// handler says so: see Complete. It carries the tenant, the caller, the request and the trace of ctx.
	//
	// The id is that of the job, or of the one that is there already when opts ask for Unique. Work that could never be
	// done is refused here: ErrUnknownKind, ErrTooLarge, ErrInvalid.
	Enqueue(ctx context.Context, args Args, opts ...Option) (uuid.UUID, error)
}

// What Enqueue refuses.
var (
	ErrUnknownKind = problem.New(problem.Internal, "job.kind_unknown", "Internal error")
	ErrTooLarge    = problem.New(problem.TooLarge, "job.too_large", "The job is too large")
	ErrInvalid     = problem.New(problem.Internal, "job.invalid", "Internal error")
)

// Why a job fails without its handler's doing.
var (
	// ErrVersion is why a job cannot be read: its version is older than any that the handler can bring up to date, or
	// newer than the one that it knows.
	ErrVersion = problem.New(problem.Invalid, "job.version_unsupported", "The version of the job is not supported")

	// ErrPayload is why a job cannot be read: its arguments are not what its kind and version promise.
	ErrPayload = problem.New(problem.Invalid, "job.payload_invalid", "The arguments of the job cannot be read")

	// ErrStuck is why an attempt was given up on: its handler neither finished in time nor obeyed the end of its context.
	ErrStuck = problem.New(problem.Internal, "job.handler_stuck", "The handler did not finish in time")

	// ErrPanic is why an attempt was given up on: its handler panicked.
	ErrPanic = problem.New(problem.Internal, "job.handler_panicked", "The handler panicked")

	// ErrDeadline is why a job was given up on: it was not done by its deadline.
	ErrDeadline = problem.New(problem.Internal, "job.deadline_passed", "The job was not done in time")

	// ErrLost is the answer to a handler whose job is no longer its own: it was canceled, or is believed to be dead and
	// runs elsewhere. What it wrote in the transaction is undone.
	ErrLost = problem.New(problem.Conflict, "job.lost", "The job is no longer this worker's")
)

// The states of a job.
const (
	Queued    = "queued"    // runs as soon as there is a worker for it
	Scheduled = "scheduled" // runs at a time that has not come yet
	Running   = "running"
	Retrying  = "retrying" // has failed, and runs again at a time that has not come yet
	Failed    = "failed"   // given up on, until somebody retries it
	Canceled  = "canceled"
	Completed = "completed"
)

// Job is a piece of work and what became of it.
type Job struct {
	ID          uuid.UUID
	Kind        string
	Version     int
	Queue       string
	Priority    int             // 1, which goes first, to 4
	State       string          // one of the constants above
	Tenant      uuid.UUID       // zero when it was asked for outside any tenant
	Actor       uuid.UUID       // the user on whose behalf; zero for the platform itself
	RequestID   string          // of the request that led to it
	Trace       string          // W3C traceparent, or empty
	UniqueKey   string          // empty unless it was asked for with Unique
	Attempt     int             // how often it has been begun
	MaxAttempts int             // after so many it has failed
	Due         time.Time       // when it runs, or may run at the earliest
	Deadline    time.Time       // zero without one
	Created     time.Time       // when it was asked for
	Begun       time.Time       // when it was begun last; zero while it was not
	Changed     time.Time       // when its state last changed
	Error       string          // of the last attempt
	Result      json.RawMessage // what Complete was given
	Args        json.RawMessage
}

type jobKey struct{}

// NewContext returns a context in which j is being done. The platform calls it; modules do so in tests.
func NewContext(ctx context.Context, j *Job) context.Context {
	return context.WithValue(ctx, jobKey{}, j)
}

// FromContext returns the job that is being done. It is shared: do not change it.
func FromContext(ctx context.Context) (*Job, bool) {
	j, ok := ctx.Value(jobKey{}).(*Job)
	return j, ok && j != nil
}
