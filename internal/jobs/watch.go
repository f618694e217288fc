package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"go.uber.org/zap"
)

const (
	watchInterval = 500 * time.Millisecond
	beatInterval  = 2 * time.Second // or a quarter of jobs.lost_after where that is less
)

// beat says that this replica lives.
func (r *Runner) beat(ctx context.Context) error {
	_, err := exec(all(ctx), r.db, `INSERT INTO jobs_replicas (id, seen_ms) VALUES ($1, `+nowMs(r.db)+`)
ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms`, r.leases.Holder())
	if err != nil {
		return fmt.Errorf("say that this replica lives: %w", err)
	}
	return nil
}

// watch keeps the replica alive in the eyes of the others, and looks after its own jobs: those that somebody has canceled
// or taken away, and those that the database believes to run here and do not.
func (r *Runner) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		var err error
		if time.Since(last) >= min(beatInterval, r.cfg.LostAfter/4) {
			if err = r.beat(within); err == nil {
				last = time.Now()
			}
		}
		err = errors.Join(err, r.look(within))
		if cancel(); err != nil && ctx.Err() == nil {
			r.log.Debug("the jobs of this replica cannot be looked after for now", zap.Error(err))
		}
	}
}

func (r *Runner) look(ctx context.Context) error {
	r.mu.Lock()
	here := make(map[string]*attempt, len(r.running))
	for token, a := range r.running {
		here[token] = a
	}
	r.mu.Unlock()
	asked := time.Now()
	there, orphans := map[string]bool{}, map[string]*row{}
	err := query(all(ctx), r.db, func(rows *entsql.Rows) error {
		kept, err := scanJob(rows)
		if err != nil {
			return err
		}
		there[kept.token] = true
		if a := here[kept.token]; a == nil {
			orphans[kept.token] = kept
		} else if kept.cancel {
			a.cancel(errCanceled)
		}
		return nil
	}, `SELECT `+columns+` FROM jobs_jobs WHERE state = 2 AND owner = $1`, r.leases.Holder())
	if err != nil {
		return fmt.Errorf("look after the jobs of this replica: %w", err)
	}
	for token, a := range here {
		if !there[token] && asked.Sub(a.begun) > watchInterval && !r.completedBy(ctx, a) {
			a.cancel(errLost)
		}
	}
	r.adopt(orphans)
	return nil
}

// completedBy tells whether the handler itself has completed the job, and only has not returned yet.
func (r *Runner) completedBy(ctx context.Context, a *attempt) (is bool) {
	err := query(all(ctx), r.db, func(rows *entsql.Rows) error {
		var state int
		err := rows.Scan(&state)
		is = state == completed
		return err
	}, `SELECT state FROM jobs_jobs WHERE id = $1`, a.ID)
	return is || err != nil
}

// adopt gives back what the database believes to run here although nobody has it, such as after a commit whose answer was
// lost. It must have been so twice in a row, because a claim and its entry are not one.
func (r *Runner) adopt(orphans map[string]*row) {
	r.mu.Lock()
	before := r.missing
	r.missing = make(map[string]bool, len(orphans))
	for token := range orphans {
		if r.running[token] == nil {
			r.missing[token] = true
		}
	}
	now := r.missing
	r.mu.Unlock()
	for token := range now {
		if before[token] {
			r.log.Warn("a job that was claimed was never begun, it is given back", zap.Stringer("job", orphans[token].ID))
			r.ledger.finish(ending{id: orphans[token].ID, token: token, state: queued, uncounted: true})
		}
	}
}
