package river

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/jobs/carrier"
	"github.com/yourorg/platform/pkg/tenant"
)

// taking uses references up: whoever takes one removes it, and claims the job. River would keep its row, write into it that
// it runs, and then how it ended, all of which the row of the job says already.
type taking struct {
	db     *database.Driver
	worker carrier.Worker
	count  atomic.Int64
}

func (t *taking) takes(all riverdriver.Executor) riverdriver.Executor {
	if t == nil {
		return all
	}
	return &executor{Executor: all, taking: t}
}

type executor struct {
	riverdriver.Executor
	*taking
}

const takeTimeout = 30 * time.Second // River gives none

// The limit is kept by what is picked first, and once: a subquery of the DELETE may be asked again for each row, and
// would find others each time.
const (
	takePostgres = `WITH picked AS MATERIALIZED (
	SELECT id FROM river_job WHERE state = 'available' AND queue = $1 ORDER BY priority, scheduled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM river_job USING picked WHERE river_job.id = picked.id RETURNING CAST(river_job.args ->> 'id' AS uuid)`
	takeSQLite = `DELETE FROM river_job WHERE id IN (
	SELECT id FROM river_job WHERE state = 'available' AND queue = $1 ORDER BY priority, scheduled_at, id LIMIT $2)
RETURNING args ->> 'id'`
)

// JobGetAvailable is how River gets its next jobs. References are removed and jobs claimed together, so that none gets lost
// between the two. What was not to be claimed is not River's any more: the keeper hands it over again when it is due.
func (e *executor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	statement := takeSQLite
	if e.db.Dialect() == dialect.Postgres {
		statement = takePostgres
	}
	ctx, cancel := context.WithTimeout(tenant.System(ctx, "jobs"), takeTimeout)
	defer cancel()
	ids, err := e.worker.Claim(ctx, statement, params.Queue, params.MaxToLock)
	if err != nil {
		return nil, fmt.Errorf("take what River has: %w", err)
	}
	taken := make([]*rivertype.JobRow, len(ids))
	for i, id := range ids {
		taken[i] = e.running(params.Queue, args{id})
	}
	return taken, nil
}

// running is what River believes that its row says. The numbers of the rows are made up: River tells by them what it runs.
func (e *executor) running(queue string, ref args) *rivertype.JobRow {
	now := time.Now()
	encoded, _ := json.Marshal(ref) // an id can always be encoded
	return &rivertype.JobRow{
		ID: e.count.Add(1), Queue: queue, Priority: 1, Kind: ref.Kind(), EncodedArgs: encoded, State: rivertype.JobStateRunning,
		Attempt: 1, MaxAttempts: 1, Metadata: []byte("{}"), AttemptedAt: &now, CreatedAt: now, ScheduledAt: now,
	}
}

// JobSetStateIfRunningMany is how River notes what has ended: there is nothing left to note it on.
func (*executor) JobSetStateIfRunningMany(context.Context, *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	return nil, nil
}
