// Package carrier says what brings jobs that are due to the processes that do them.
package carrier

import (
	"context"

	"github.com/google/uuid"
)

// Ref is a job that is due. The row that it stands for is the truth: a reference may come twice, or be lost.
type Ref struct {
	ID       uuid.UUID
	Queue    string
	Priority int // 1, which goes first, to 4
	Dispatch int // 1 the first time, and more each time that the job had to be handed over again
}

// Worker does the jobs that a carrier brings.
type Worker interface {
	// Claim makes many jobs this process's at once, which Run would do one by one, and returns their ids. It is for a carrier
	// that keeps its references in the platform's own database and runs all that it has got: taking is a statement with its
	// arguments that removes references and returns the ids of their jobs. Both happen together or not at all.
	Claim(ctx context.Context, taking string, args ...any) ([]uuid.UUID, error)

	// Run does one job, unless somebody else has it or it is not to be begun.
	Run(ctx context.Context, id uuid.UUID)
}

// Carrier brings references to the workers, in the order of their priority as far as it can.
type Carrier interface {
	// Name is that of the engine, as jobs.engine has it.
	Name() string

	// Transactional tells whether Dispatch takes part in the transaction in ctx. One that does not is called after the
	// commit.
	Transactional() bool

	// Dispatch hands references over. One that is transactional keeps them; of others some may be lost.
	Dispatch(ctx context.Context, refs []Ref) error

	// Wake looks at once for what has been dispatched, in this process.
	Wake()

	// Waiting is how many references of a queue nobody has taken yet.
	Waiting(ctx context.Context, queue string) (int, error)

	// Start takes references of the queues and has w run them, at most so many at once for each queue.
	Start(ctx context.Context, queues map[string]int, w Worker) error

	// Stop takes nothing more and returns when all that w runs has ended, or when ctx ends.
	Stop(ctx context.Context) error

	// Close lets go of what was opened when it was made.
	Close() error
}
