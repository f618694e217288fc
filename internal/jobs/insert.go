package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/jobs/carrier"
	"github.com/yourorg/platform/internal/jobs/ent"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

// flush writes what the transaction in ctx has asked for. It runs before the commit.
func (j *Jobs) flush(ctx context.Context) error {
	p, ok := tx.Load(ctx, pendingKey{}).(*pending)
	if !ok {
		return nil
	}
	p.mu.Lock()
	orders := p.orders
	p.orders = nil
	p.mu.Unlock()
	insert := j.insertRows
	if j.db.Dialect() == dialect.Postgres {
		insert = j.insertArrays
	}
	for part := range slices.Chunk(orders, maxInsert) {
		if err := insert(all(ctx), part); err != nil {
			return fmt.Errorf("keep %d jobs: %w", len(part), err)
		}
	}
	return j.announce(ctx, orders)
}

func (j *Jobs) insertRows(ctx context.Context, orders []*order) error {
	rows := make([]*ent.JobCreate, len(orders))
	for i, o := range orders {
		rows[i] = j.row(o)
	}
	return j.client.Job.CreateBulk(rows...).Exec(ctx)
}

const insertArrays = `INSERT INTO jobs_jobs (id, tenant_id, kind, version, queue, priority, state, max_attempts, due_ms, deadline_ms, timeout_ms,
	actor_id, request_id, trace, args, dispatched_ms, created_ms, changed_ms, dispatches,
	attempt, unique_key, unique_ms, result, error, owner, token, cancel, begun_ms, expires_ms)
SELECT *, created_ms, CASE WHEN dispatched_ms > 0 THEN 1 ELSE 0 END, 0, '', 0, '', '', '', '', false, 0, 0
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
	$11::bigint[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bigint[])
AS orders (id, tenant_id, kind, version, queue, priority, state, max_attempts, due_ms, deadline_ms, timeout_ms,
	actor_id, request_id, trace, args, dispatched_ms, created_ms)`

// insertArrays writes jobs without a unique key.
func (j *Jobs) insertArrays(ctx context.Context, orders []*order) error {
	_, err := exec(ctx, j.db, insertArrays,
		database.Array(orders, func(o *order) uuid.UUID { return o.ID }),
		database.Array(orders, func(o *order) uuid.UUID { return o.Tenant }),
		database.Array(orders, func(o *order) string { return o.Kind }),
		database.Array(orders, func(o *order) int64 { return int64(o.Version) }),
		database.Array(orders, func(o *order) string { return o.Queue }),
		database.Array(orders, func(o *order) int64 { return int64(o.Priority) }),
		database.Array(orders, func(o *order) int64 { return int64(o.state) }),
		database.Array(orders, func(o *order) int64 { return int64(o.MaxAttempts) }),
		database.Array(orders, func(o *order) int64 { return o.Due.UnixMilli() }),
		database.Array(orders, func(o *order) int64 { return msOf(o.Deadline) }),
		database.Array(orders, func(o *order) int64 { return o.timeout.Milliseconds() }),
		database.Array(orders, func(o *order) uuid.UUID { return o.Actor }),
		database.Array(orders, func(o *order) string { return o.RequestID }),
		database.Array(orders, func(o *order) string { return o.Trace }),
		database.Array(orders, func(o *order) string { return o.args }),
		database.Array(orders, j.dispatchedMs),
		database.Array(orders, func(o *order) int64 { return o.Created.UnixMilli() }),
	)
	return err
}

// dispatchedMs is when the carrier gets a job: with its commit, unless it has to wait.
func (j *Jobs) dispatchedMs(o *order) int64 {
	if o.state == queued && !j.cfg.windowed() {
		return o.Created.UnixMilli()
	}
	return 0
}

// announce hands what is due to the carrier: in the transaction, or after it.
func (j *Jobs) announce(ctx context.Context, orders []*order) error {
	var refs []carrier.Ref
	for _, o := range orders {
		if j.dispatchedMs(o) > 0 {
			refs = append(refs, carrier.Ref{ID: o.ID, Queue: o.Queue, Priority: o.Priority, Dispatch: 1})
		}
	}
	if len(orders) == 0 {
		return nil
	}
	if len(refs) > 0 && j.carrier.Transactional() {
		if err := j.carrier.Dispatch(ctx, refs); err != nil {
			return err
		}
	}
	tx.AfterCommit(ctx, func(ctx context.Context) {
		j.metrics.enqueued(orders)
		if len(refs) > 0 && !j.carrier.Transactional() {
			if err := j.carrier.Dispatch(ctx, refs); err != nil {
				j.log.Debug("jobs could not be dispatched, they will be later") // by the keeper, which finds them
			}
		}
		j.signal.raise()
	})
	return nil
}

func (j *Jobs) row(o *order) *ent.JobCreate {
	now := o.Created.UnixMilli()
	c := j.client.Job.Create().SetID(o.ID).SetTenantID(o.Tenant).SetKind(o.Kind).SetVersion(o.Version).SetQueue(o.Queue).
		SetPriority(o.Priority).SetState(o.state).SetAttempt(0).SetMaxAttempts(o.MaxAttempts).SetDueMs(o.Due.UnixMilli()).
		SetDeadlineMs(msOf(o.Deadline)).SetTimeoutMs(o.timeout.Milliseconds()).SetUniqueKey(o.UniqueKey).SetUniqueMs(0).
		SetActorID(o.Actor).SetRequestID(o.RequestID).SetTrace(o.Trace).SetArgs(o.args).SetResult("").SetError("").
		SetOwner("").SetToken("").SetCancel(false).SetDispatchedMs(0).SetDispatches(0).SetCreatedMs(now).SetBegunMs(0).SetChangedMs(now).SetExpiresMs(0)
	if o.UniqueKey != "" {
		c.SetUniqueMs(o.Created.Add(o.window).UnixMilli())
	}
	if ms := j.dispatchedMs(o); ms > 0 {
		c.SetDispatchedMs(ms).SetDispatches(1)
	}
	return c
}

// unique keeps a job unless there is one of its key already, and returns the id of the one that is there then.
func (j *Jobs) unique(ctx context.Context, o *order) (id uuid.UUID, err error) {
	within := all(ctx)
	for range 10 {
		err := j.row(o).OnConflict(entsql.DoNothing()).Exec(within)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return uuid.Nil, err
		}
		there, free, err := j.holder(within, o)
		switch {
		case err != nil:
			return uuid.Nil, err
		case there == o.ID:
			return there, j.announce(ctx, []*order{o})
		case there != uuid.Nil && !free:
			return there, nil
		case there != uuid.Nil:
			if err := j.release(within, there); err != nil {
				return uuid.Nil, err
			}
		}
	}
	return uuid.Nil, job.ErrInvalid.Wrap(errors.New("others take and give back its unique key all the time"))
}

// holder finds the job that has the key, and whether it needs it no longer.
func (j *Jobs) holder(ctx context.Context, o *order) (id uuid.UUID, free bool, err error) {
	lock := ""
	if j.db.Dialect() == dialect.Postgres {
		lock = " FOR UPDATE" // the newest version of the row, and nobody changes it until the commit
	}
	err = query(ctx, j.db, func(rows *entsql.Rows) error {
		var state int
		var until int64
		err := rows.Scan(&id, &state, &until)
		free = done(state) && until <= time.Now().UnixMilli()
		return err
	}, `SELECT id, state, unique_ms FROM jobs_jobs WHERE tenant_id = $1 AND kind = $2 AND unique_key = $3 AND unique_ms > 0`+lock, o.Tenant, o.Kind, o.UniqueKey)
	return id, free, err
}

func (j *Jobs) release(ctx context.Context, id uuid.UUID) error {
	_, err := exec(ctx, j.db, `UPDATE jobs_jobs SET unique_key = '', unique_ms = 0 WHERE id = $1 AND state IN (4, 5, 6)`, id)
	return err
}
