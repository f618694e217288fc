package river

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
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
// would find others each time. The commit need not wait for the disk: a crash of Postgres takes back all of it or nothing.
const (
	takePostgres = `WITH picked AS MATERIALIZED (
	SELECT id FROM river_job WHERE state = 'available' AND queue = $1 ORDER BY priority, scheduled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM river_job USING picked, set_config('synchronous_commit', 'off', true) AS relaxed WHERE river_job.id = picked.id
RETURNING river_job.id, river_job.priority, river_job.args ->> 'id'`
	takeSQLite = `DELETE FROM river_job WHERE id IN (
	SELECT id FROM river_job WHERE state = 'available' AND queue = $1 ORDER BY priority, scheduled_at, id LIMIT $2)
RETURNING id, priority, args ->> 'id'`
)

// JobGetAvailable is how River gets its next jobs. References are removed and jobs claimed in one transaction, so that no
// reference gets lost between the two.
func (e *executor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) (taken []*rivertype.JobRow, err error) {
	ctx, cancel := context.WithTimeout(tenant.System(ctx, "jobs"), takeTimeout)
	defer cancel()
	err = e.db.InTx(ctx, func(ctx context.Context) error {
		var ids []uuid.UUID
		if taken, ids, err = e.take(ctx, params.Queue, params.MaxToLock); err != nil || len(ids) == 0 {
			return err
		}
		return e.worker.Claim(ctx, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("take what River has: %w", err)
	}
	return taken, nil
}

func (e *executor) take(ctx context.Context, queue string, limit int) (taken []*rivertype.JobRow, ids []uuid.UUID, err error) {
	statement := takeSQLite
	if e.db.Dialect() == dialect.Postgres {
		statement = takePostgres
	}
	var rows entsql.Rows
	if err := e.db.Query(ctx, statement, []any{queue, limit}, &rows); err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		var ref args
		row := &rivertype.JobRow{Queue: queue}
		if err = rows.Scan(&row.ID, &row.Priority, &ref.ID); err != nil {
			break
		}
		taken, ids = append(taken, running(row, ref)), append(ids, ref.ID)
	}
	return taken, ids, errors.Join(err, rows.Err(), rows.Close())
}

// running is what River believes that its row says.
func running(row *rivertype.JobRow, ref args) *rivertype.JobRow {
	now := time.Now()
	row.Kind, row.State, row.Attempt, row.MaxAttempts, row.Metadata = ref.Kind(), rivertype.JobStateRunning, 1, 1, []byte("{}")
	row.AttemptedAt, row.CreatedAt, row.ScheduledAt = &now, now, now
	row.EncodedArgs, _ = json.Marshal(ref) // an id can always be encoded
	return row
}

// JobSetStateIfRunningMany is how River notes what has ended: there is nothing left to note it on.
func (*executor) JobSetStateIfRunningMany(context.Context, *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	return nil, nil
}
