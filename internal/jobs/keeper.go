package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/jobs/carrier"
)

const (
	dueInterval  = 200 * time.Millisecond // between two looks for what has become due
	lostInterval = time.Second            // between two looks for what was lost
	keeperBatch  = 500
	keeperRound  = 40 // batches of one kind before the others have their turn
)

// keeper moves jobs on that nobody works on: those whose time comes, those whose worker is gone, and those that the
// carrier has lost. One replica runs it at a time; two would do no harm, because every statement demands the state that it
// ends.
type keeper struct {
	*Jobs
	poked chan struct{}
	due   time.Time // when it was last looked for what was due
	lost  time.Time // and for what was lost
	turns *turns
}

func newKeeper(j *Jobs) *keeper {
	k := &keeper{Jobs: j, poked: make(chan struct{}, 1), turns: newTurns(j.cfg)}
	if j.cfg.windowed() {
		j.signal.on(func() { poke(k.poked) })
	}
	return k
}

// run keeps until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(dueInterval)
	defer tick.Stop()
	failing := false
	for ctx.Err() == nil {
		err := k.round(all(ctx))
		if err != nil && ctx.Err() == nil && !failing {
			k.log.Warn("due and lost jobs cannot be looked after for now", zap.Error(err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-k.poked:
		}
	}
}

func (k *keeper) round(ctx context.Context) error {
	var errs []error
	if time.Since(k.due) >= dueInterval {
		errs = append(errs, k.promote(ctx))
		k.due = time.Now()
	}
	if time.Since(k.lost) >= lostInterval {
		errs = append(errs, k.overdue(ctx), k.rescue(ctx), k.refill(ctx))
		k.lost = time.Now()
	}
	if k.cfg.windowed() {
		return errors.Join(append(errs, k.window(ctx))...)
	}
	return errors.Join(append(errs, k.dispatch(ctx))...)
}

// promote queues what has become due.
func (k *keeper) promote(ctx context.Context) error {
	return k.batches("queue what is due", func() (int, error) {
		now := time.Now().UnixMilli()
		return exec(ctx, k.db, `UPDATE jobs_jobs SET state = 0, dispatched_ms = 0, changed_ms = $1
WHERE id IN (SELECT id FROM jobs_jobs WHERE state > 6 AND due_ms <= $1 ORDER BY due_ms LIMIT $2) AND state > 6`, now, keeperBatch)
	})
}

// batches calls fn until it does less than a batch.
func (k *keeper) batches(what string, fn func() (int, error)) error {
	for range keeperRound {
		n, err := fn()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n < keeperBatch {
			return nil
		}
	}
	return nil
}

// dispatch hands to the carrier what it has not got, or is to get again.
func (k *keeper) dispatch(ctx context.Context) error {
	return k.batches("dispatch jobs", func() (int, error) {
		return k.hand(ctx, `SELECT id FROM jobs_jobs WHERE state = 0 AND dispatched_ms = 0 AND `+unpaused+` ORDER BY priority, id LIMIT $2`, keeperBatch)
	})
}

const unpaused = `queue NOT IN (SELECT id FROM jobs_queues WHERE paused)`

// hand dispatches the queued jobs that a statement selects. $1 is not for it to use.
func (k *keeper) hand(ctx context.Context, selected string, args ...any) (n int, err error) {
	var refs []carrier.Ref
	mark := func(ctx context.Context) error {
		refs = nil
		err := query(ctx, k.db, func(rows *entsql.Rows) error {
			var r carrier.Ref
			err := rows.Scan(&r.ID, &r.Queue, &r.Priority, &r.Dispatch)
			refs = append(refs, r)
			return err
		}, `UPDATE jobs_jobs SET dispatched_ms = $1, dispatches = dispatches + 1 WHERE id IN (`+selected+`) AND state = 0
RETURNING id, queue, priority, dispatches`, append([]any{time.Now().UnixMilli()}, args...)...)
		if err == nil && len(refs) > 0 && k.carrier.Transactional() {
			err = k.carrier.Dispatch(ctx, refs)
		}
		return err
	}
	if err := k.db.InTx(ctx, mark); err != nil || len(refs) == 0 {
		return 0, err
	}
	if !k.carrier.Transactional() {
		err = k.carrier.Dispatch(ctx, refs)
	}
	k.signal.raise()
	return len(refs), err
}

// nowMs is the clock of the database in milliseconds since 1970, by which replicas are believed to live.
func nowMs(db dialect.Driver) string {
	if db.Dialect() == dialect.SQLite {
		return "(CAST(unixepoch('subsec') * 1000 AS INTEGER))"
	}
	return "(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))"
}
