package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/job"
)

// Runner does the jobs that the carrier brings. Any number of replicas may run one.
type Runner struct {
	*Jobs
	errors   errorbus.Reporter
	features entitlement.Checker
	leases   *lease.Leases
	ledger   *ledger
	claimed  sync.Map // id → *row: what Claim has and Run has not begun

	mu       sync.Mutex
	running  map[string]*attempt // by token
	missing  map[string]bool     // tokens that the database has and running lacks, when it was looked last
	giving   bool                // whether what runs is given back
	loops    sync.WaitGroup
	halt     context.CancelFunc // ends the loops
	keeper   *keeper
	schedule *Scheduler
}

// NewRunner returns a runner that does nothing before Start.
func NewRunner(j *Jobs, leases *lease.Leases, s *Scheduler, errors errorbus.Reporter, features entitlement.Checker) *Runner {
	r := &Runner{Jobs: j, errors: errors, features: features, leases: leases, running: map[string]*attempt{}, missing: map[string]bool{}, schedule: s}
	r.ledger = newLedger(j.db, leases.Holder(), j.cfg.Retention, j.log)
	r.keeper = newKeeper(r.Jobs)
	return r
}

// Start begins to do jobs.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.beat(ctx); err != nil {
		return err
	}
	if err := r.schedule.prepare(); err != nil {
		return err
	}
	r.ledger.start()
	if err := r.carrier.Start(ctx, r.cfg.Queues, r); err != nil {
		r.ledger.stop(ctx)
		return err
	}
	loops, halt := context.WithCancel(context.Background())
	r.halt = halt
	r.signal.on(r.carrier.Wake)
	r.loops.Go(func() { r.signal.listen(loops, r.cfg.PollInterval) })
	r.loops.Go(func() { r.watch(loops) })
	r.loops.Go(func() { r.lead(loops) })
	return nil
}

// lead looks after what all replicas share, while this one holds the lease.
func (r *Runner) lead(ctx context.Context) {
	r.leases.Hold(ctx, "jobs.keeper", r.cfg.Lease, func(ctx context.Context, _ lease.Lease) {
		var both sync.WaitGroup
		both.Go(func() { r.keeper.run(ctx) })
		both.Go(func() { r.schedule.run(ctx) })
		both.Wait()
	}, func(err error) {
		r.log.Warn("the lease of the jobs cannot be kept", zap.Error(err))
	})
}

// Stop begins nothing more and waits for what is under way until shortly before ctx ends, or for jobs.stop_timeout. What
// is still running then is told to stop and given back.
func (r *Runner) Stop(ctx context.Context) error {
	patience := r.cfg.StopTimeout
	if until, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(until)-3*grace)
	}
	give := time.AfterFunc(max(0, patience), r.giveBack)
	defer give.Stop()
	err := r.carrier.Stop(ctx)
	r.halt()
	r.loops.Wait()
	r.ledger.stop(ctx)
	farewell, cancel := context.WithTimeout(all(context.WithoutCancel(ctx)), 2*time.Second)
	defer cancel()
	if _, gone := exec(farewell, r.db, `DELETE FROM jobs_replicas WHERE id = $1`, r.leases.Holder()); gone != nil {
		r.log.Debug("this replica could not say goodbye", zap.Error(gone))
	}
	if err != nil {
		return fmt.Errorf("stop doing jobs: %w", err)
	}
	return nil
}

// giveBack tells what runs, and what is begun after all because it was on its way.
func (r *Runner) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giving = true
	for _, a := range r.running {
		a.cancel(errGiveBack)
	}
}

// Claim implements carrier.Worker.
func (r *Runner) Claim(ctx context.Context, taking string, args ...any) ([]uuid.UUID, error) {
	rows, err := r.ledger.take(all(ctx), taking, args)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		r.claimed.Store(row.ID, row)
		ids[i] = row.ID
	}
	return ids, nil
}

// Run implements carrier.Worker.
func (r *Runner) Run(ctx context.Context, id uuid.UUID) {
	row, err := r.take(ctx, id)
	if err != nil && !errors.Is(err, errStopping) {
		r.log.Warn("a job could not be claimed and will be later", zap.Stringer("job", id), zap.Error(err))
	}
	if row == nil || err != nil { // somebody else has it, or it will be brought again
		return
	}
	within, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	a := &attempt{row: row, begun: time.Now(), cancel: cancel}
	r.enter(a)
	defer r.leave(a)
	r.metrics.begun(a)
	if !a.Deadline.IsZero() {
		if a.begun.After(a.Deadline) {
			err = job.Permanent(job.ErrDeadline)
		}
		stop := time.AfterFunc(time.Until(a.Deadline), func() { cancel(job.ErrDeadline) })
		defer stop.Stop()
	}
	if err == nil {
		err = r.perform(within, a)
	}
	why := ended(within)
	if errors.Is(why, job.ErrDeadline) && err != nil {
		err = job.Permanent(job.ErrDeadline.Wrap(err))
	}
	e := verdict(r.cfg, a, err, why, time.Now())
	r.ledger.finish(e)
	if r.report(a, e, err); r.cfg.windowed() {
		r.signal.raise() // there is room for another one
	}
}

// take returns the job when it is this replica's to do, because Claim has seen to that or the ledger does now.
func (r *Runner) take(ctx context.Context, id uuid.UUID) (*row, error) {
	if claimed, ok := r.claimed.LoadAndDelete(id); ok {
		return claimed.(*row), nil
	}
	return r.ledger.claim(ctx, id)
}

func (r *Runner) enter(a *attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[a.token] = a; r.giving {
		a.cancel(errGiveBack)
	}
}

func (r *Runner) leave(a *attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, a.token)
}
