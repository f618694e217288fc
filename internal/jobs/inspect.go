package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

// Inspector implements job.Inspector.
type Inspector struct {
	jobs      *Jobs
	schedules *Scheduler
}

var _ job.Inspector = (*Inspector)(nil)

// listed are the columns of a list: the arguments may be long.
var listed = strings.Replace(columns, " args,", " '',", 1)

// Jobs implements job.Inspector.
func (i *Inspector) Jobs(ctx context.Context, f job.Filter) (list []job.Job, err error) {
	where, args, err := chosen(f)
	if err != nil {
		return nil, err
	}
	args = append(args, max(1, f.Limit))
	err = query(all(ctx), i.jobs.db, func(rows *entsql.Rows) error {
		r, err := scanJob(rows)
		if err == nil {
			r.Args = nil
			list = append(list, r.Job)
		}
		return err
	}, fmt.Sprintf(`SELECT %s FROM jobs_jobs WHERE %s ORDER BY id DESC LIMIT $%d`, listed, where, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// chosen is the condition of a filter.
func chosen(f job.Filter) (where string, args []any, err error) {
	conditions := []string{"1 = 1"}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	var states []string
	for _, name := range f.States {
		n, known := stateOf(name)
		if !known {
			return "", nil, job.ErrFilter.Detailf("There is no state %q.", name)
		}
		states = append(states, fmt.Sprint(n))
	}
	if len(states) > 0 {
		slices.Sort(states)
		conditions = append(conditions, "state IN ("+strings.Join(slices.Compact(states), ", ")+")")
	}
	if f.Queue != "" {
		add("queue = $%d", f.Queue)
	}
	if f.Kind != "" {
		add("kind = $%d", f.Kind)
	}
	if f.Tenant != uuid.Nil {
		add("tenant_id = $%d", f.Tenant)
	}
	if !f.From.IsZero() {
		add("created_ms >= $%d", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		add("created_ms < $%d", f.To.UnixMilli())
	}
	if f.Before != uuid.Nil {
		add("id < $%d", f.Before)
	}
	return strings.Join(conditions, " AND "), args, nil
}

// Job implements job.Inspector.
func (i *Inspector) Job(ctx context.Context, id uuid.UUID) (found job.Job, err error) {
	err = query(all(ctx), i.jobs.db, func(rows *entsql.Rows) error {
		r, err := scanJob(rows)
		if err == nil {
			found = r.Job
		}
		return err
	}, `SELECT `+columns+` FROM jobs_jobs WHERE id = $1`, id)
	switch {
	case err != nil:
		return found, fmt.Errorf("look up job %s: %w", id, err)
	case found.ID == uuid.Nil:
		return found, job.ErrNotFound
	}
	return found, nil
}

// Retry implements job.Inspector.
func (i *Inspector) Retry(ctx context.Context, id uuid.UUID) error {
	return i.one(ctx, id, func(ctx context.Context) (int, error) { return i.retry(ctx, []uuid.UUID{id}) })
}

// Cancel implements job.Inspector.
func (i *Inspector) Cancel(ctx context.Context, id uuid.UUID) error {
	return i.one(ctx, id, func(ctx context.Context) (int, error) { return i.cancel(ctx, []uuid.UUID{id}) })
}

// Delete implements job.Inspector.
func (i *Inspector) Delete(ctx context.Context, id uuid.UUID) error {
	return i.one(ctx, id, func(ctx context.Context) (int, error) { return i.remove(ctx, []uuid.UUID{id}) })
}

// one does something to a job, which is there or not, and in the right state or not.
func (i *Inspector) one(ctx context.Context, id uuid.UUID, fn func(context.Context) (int, error)) error {
	return i.jobs.db.InTx(ctx, func(ctx context.Context) error {
		n, err := fn(all(ctx))
		if err != nil || n > 0 {
			return err
		}
		found, err := i.Job(ctx, id)
		if err != nil {
			return err
		}
		return job.ErrState.Detailf("The job is %s.", found.State)
	})
}

func (i *Inspector) retry(ctx context.Context, ids []uuid.UUID) (int, error) {
	byID, args := among(i.jobs.db, []any{time.Now().UnixMilli()}, ids)
	n, err := exec(ctx, i.jobs.db, `UPDATE jobs_jobs SET state = 0, attempt = CASE WHEN state IN (4, 5) THEN 0 ELSE attempt END, due_ms = $1,
deadline_ms = CASE WHEN deadline_ms <= $1 THEN 0 ELSE deadline_ms END, dispatched_ms = 0, expires_ms = 0, changed_ms = $1
WHERE id `+byID+` AND state + 0 IN (4, 5, 7, 8)`, args...)
	if err != nil {
		return 0, fmt.Errorf("retry jobs: %w", err)
	}
	tx.AfterCommit(ctx, func(context.Context) { i.jobs.signal.raise() })
	return n, nil
}

func (i *Inspector) cancel(ctx context.Context, ids []uuid.UUID) (int, error) {
	now := time.Now()
	byID, args := among(i.jobs.db, []any{now.UnixMilli(), now.Add(i.jobs.cfg.Retention).UnixMilli()}, ids)
	waiting, err := exec(ctx, i.jobs.db, `UPDATE jobs_jobs SET state = 5, changed_ms = $1, expires_ms = $2 WHERE id `+byID+` AND state + 0 IN (0, 7, 8)`, args...)
	if err != nil {
		return 0, fmt.Errorf("cancel jobs: %w", err)
	}
	byID, args = among(i.jobs.db, []any{true}, ids)
	begun, err := exec(ctx, i.jobs.db, `UPDATE jobs_jobs SET cancel = $1 WHERE id `+byID+` AND state + 0 = 2`, args...)
	if err != nil {
		return 0, fmt.Errorf("cancel running jobs: %w", err)
	}
	return waiting + begun, nil
}

func (i *Inspector) remove(ctx context.Context, ids []uuid.UUID) (int, error) {
	byID, args := among(i.jobs.db, nil, ids)
	n, err := exec(ctx, i.jobs.db, `DELETE FROM jobs_jobs WHERE id `+byID+` AND state <> 2`, args...)
	if err != nil {
		return 0, fmt.Errorf("delete jobs: %w", err)
	}
	return n, nil
}

// Apply implements job.Inspector.
func (i *Inspector) Apply(ctx context.Context, action string, f job.Filter) (n int, err error) {
	act := map[string]func(context.Context, []uuid.UUID) (int, error){job.Retry: i.retry, job.Cancel: i.cancel, job.Delete: i.remove}[action]
	if act == nil {
		return 0, job.ErrFilter.Detailf("Nothing is called %q.", action)
	}
	may := map[string]string{job.Retry: "state IN (4, 5, 7, 8)", job.Cancel: "state IN (0, 2, 7, 8) AND NOT cancel", job.Delete: "state <> 2"}[action]
	where, args, err := chosen(f)
	if err != nil {
		return 0, err
	}
	args = append(args, max(1, f.Limit))
	err = i.jobs.db.InTx(ctx, func(ctx context.Context) error {
		within := all(ctx)
		var ids []uuid.UUID
		err := query(within, i.jobs.db, func(rows *entsql.Rows) error {
			var id uuid.UUID
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, fmt.Sprintf(`SELECT id FROM jobs_jobs WHERE %s AND %s ORDER BY id LIMIT $%d`, where, may, len(args)), args...)
		if err != nil {
			return fmt.Errorf("choose jobs: %w", err)
		}
		for part := range slices.Chunk(ids, keeperBatch) {
			done, err := act(within, part)
			if n += done; err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
