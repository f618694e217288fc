package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

// begin claims jobs. Those that are missing in what it returns are not to be begun.
func (l *ledger) begin(ctx context.Context, ids []uuid.UUID) ([]*row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	which, args := among(l.db, nil, ids)
	return l.claimed(ctx, "", which, args)
}

// take claims the jobs whose ids the statement returns that takes their references away. On Postgres both are one statement:
// the workers wait for it, and would for each further round trip.
func (l *ledger) take(ctx context.Context, taking string, args []any) (rows []*row, err error) {
	if l.db.Dialect() == dialect.Postgres {
		return l.claimed(ctx, "WITH taken (job) AS ("+taking+") ", "= ANY(ARRAY(SELECT job FROM taken))", args)
	}
	err = l.db.InTx(ctx, func(ctx context.Context) error {
		var ids []uuid.UUID
		err := query(ctx, l.db, func(r *entsql.Rows) error {
			var id uuid.UUID
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, taking, args...)
		if err == nil {
			rows, err = l.begin(ctx, ids)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take jobs: %w", err)
	}
	return rows, nil
}

// claimed makes the jobs this replica's whose ids the condition finds, and that are queued in a queue that is not paused. The
// arguments are those that come before its own.
func (l *ledger) claimed(ctx context.Context, before, which string, args []any) (rows []*row, err error) {
	n := len(args)
	args = append(args, rand.Text()[:12]+"/", l.owner, time.Now().UnixMilli())
	err = query(ctx, l.db, func(r *entsql.Rows) error {
		one, err := scanJob(r)
		rows = append(rows, one)
		return err
	}, fmt.Sprintf(`%sUPDATE jobs_jobs SET state = 2, attempt = attempt + 1, token = $%d || CAST(id AS text), owner = $%d, begun_ms = $%d, changed_ms = $%[4]d%[5]s
WHERE id %[6]s AND state + 0 = 0 AND queue NOT IN (SELECT id FROM jobs_queues WHERE paused) RETURNING `+columns,
		before, n+1, n+2, n+3, relaxed(l.db), which), args...)
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	return rows, nil
}
