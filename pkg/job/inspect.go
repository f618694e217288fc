package job

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// What the operator is answered.
var (
	ErrNotFound    = problem.New(problem.NotFound, "job.not_found", "Job not found")
	ErrState       = problem.New(problem.Conflict, "job.state_conflict", "The state of the job does not allow this")
	ErrUnknownName = problem.New(problem.NotFound, "job.name_unknown", "There is no queue or schedule of this name")
	ErrFilter      = problem.New(problem.Invalid, "job.filter_invalid", "The filter cannot be used")
)

// What can be done with many jobs at once.
const (
	Retry  = "retry"
	Cancel = "cancel"
	Delete = "delete"
)

// Filter chooses jobs. Zero values choose all.
type Filter struct {
	States []string // any of these
	Queue  string
	Kind   string
	Tenant uuid.UUID
	From   time.Time // asked for at this time or later
	To     time.Time // asked for before this time
	Before uuid.UUID // only jobs that are older than this one
	Limit  int
}

// QueueStatus is how one queue does.
type QueueStatus struct {
	Name       string
	Workers    int // how many jobs each replica does at once
	Paused     bool
	Queued     int
	Scheduled  int
	Running    int
	Retrying   int
	Failed     int
	Oldest     time.Time     // since when the oldest job that is due has waited; zero when none does
	Latency    time.Duration // from due to begun, on average over what was completed in the last minute
	Throughput float64       // jobs completed in a second, over the last minute
}

// ScheduleStatus is when a schedule fires.
type ScheduleStatus struct {
	Name    string
	Spec    string
	Zone    string
	Misfire Misfire
	Kind    string
	Paused  bool
	Next    time.Time // zero while it is paused or nobody has reckoned it yet
	Last    time.Time // the tick that was fired last; zero when none was
	LastJob uuid.UUID // what it asked for then
}

// Inspector shows the operator the jobs of all tenants and lets them intervene: who may is for the caller to decide. What
// changes something takes part in the transaction in ctx.
type Inspector interface {
	// Jobs lists jobs, newest first, without their arguments, as long as they are kept. It answers ErrFilter to a state
	// that does not exist.
	Jobs(ctx context.Context, f Filter) ([]Job, error)

	// Job returns one job, or ErrNotFound.
	Job(ctx context.Context, id uuid.UUID) (Job, error)

	// Retry has a job tried as soon as possible: one that has failed or was canceled from the beginning, one that waits for
	// its time at once. Others answer ErrState.
	Retry(ctx context.Context, id uuid.UUID) error

	// Cancel ends a job: one that waits at once, one that is running when its handler obeys its context, which ends within
	// about a second. One that is done answers ErrState.
	Cancel(ctx context.Context, id uuid.UUID) error

	// Delete removes a job that is not running.
	Delete(ctx context.Context, id uuid.UUID) error

	// Apply does one of Retry, Cancel and Delete to the jobs that f chooses, up to f.Limit, and leaves out those whose state
	// does not allow it. It returns how many there were.
	Apply(ctx context.Context, action string, f Filter) (int, error)

	// Queues tells how each queue does.
	Queues(ctx context.Context) ([]QueueStatus, error)

	// PauseQueue keeps the jobs of a queue from being begun, or no longer. What is running goes on.
	PauseQueue(ctx context.Context, name string, paused bool) error

	// Schedules tells when each schedule fires.
	Schedules(ctx context.Context) ([]ScheduleStatus, error)

	// PauseSchedule keeps a schedule from firing, or no longer. What it has missed is left out.
	PauseSchedule(ctx context.Context, name string, paused bool) error

	// RunSchedule asks for the job of a schedule now, whether or not it is paused, and returns its id.
	RunSchedule(ctx context.Context, name string) (uuid.UUID, error)
}
