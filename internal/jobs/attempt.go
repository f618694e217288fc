package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
)

const grace = time.Second // what a handler has to notice that its context has ended

// Why the context of an attempt ends, beside its time.
var (
	errCanceled = errors.New("the job was canceled")
	errGiveBack = errors.New("the process stops, the job is given back")
	errLost     = errors.New("the job runs elsewhere")
)

// do is how a job is done; middleware is put around it.
type do func(ctx context.Context, j *job.Job) error

// attempt is one try at a job.
type attempt struct {
	*row
	begun  time.Time
	cancel context.CancelCauseFunc
}

// perform does the job once. What the handler does runs in a goroutine of its own, so that one which neither finishes nor
// obeys can be left behind.
func (r *Runner) perform(ctx context.Context, a *attempt) error {
	j := a.Job // the handler gets a copy, brought up to date
	h, err := r.kinds.current(&j)
	if err != nil {
		return err
	}
	ctx = job.WithCompleter(restore(ctx, &j), &completer{r: r, id: a.ID, token: a.token})
	steps := recovered(r.errors, timed(a.timeout, observed(r.tracer, entitled(r.features, h))))
	ended := make(chan error, 1)
	var left atomic.Bool
	go func() {
		err := errors.New("the handler ended its goroutine")
		defer func() {
			if ended <- err; left.Load() {
				r.log.Warn("a handler that was left behind has ended", append(logger.Scope(ctx), zap.Stringer("job", a.ID), zap.String("kind", a.Kind))...)
			}
		}()
		err = steps(ctx, &j)
	}()
	limit, stop := context.WithTimeout(ctx, a.timeout)
	defer stop()
	select {
	case err := <-ended:
		return err
	case <-limit.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case err := <-ended:
		return err
	case <-patience.C:
		left.Store(true)
		return job.ErrStuck.Wrap(fmt.Errorf("the handler of %s neither finished within %s nor obeyed its context", a.Kind, a.timeout))
	}
}

// recovered turns a panic into an error.
func recovered(errors errorbus.Reporter, next do) do {
	return func(ctx context.Context, j *job.Job) (err error) {
		defer func() {
			if p := recover(); p != nil {
				errors.Report(ctx, errorbus.Report{
					Source: "jobs", Operation: j.Kind, Err: fmt.Errorf("job %s panicked: %v", j.ID, p), Stack: debug.Stack(),
				})
				err = job.ErrPanic.Wrap(fmt.Errorf("panic: %v", p))
			}
		}()
		return next(ctx, j)
	}
}

// timed ends the context of the handler when its time is over.
func timed(limit time.Duration, next do) do {
	return func(ctx context.Context, j *job.Job) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return next(ctx, j)
	}
}

// outcome is what the operator is told of an attempt.
func (r *Runner) report(a *attempt, e ending, err error) {
	took := time.Since(a.begun)
	r.metrics.ended(a, stateNames[e.state], took)
	fields := []zap.Field{
		zap.String("kind", a.Kind), zap.Stringer("job", a.ID), zap.Stringer("tenant_id", a.Tenant), zap.String("request_id", a.RequestID),
		zap.Int("attempt", a.Attempt), zap.Duration("took", took),
	}
	switch e.state {
	case completed:
		r.log.Debug("a job is done", fields...)
	case failed:
		r.log.Error("a job has failed: it is not tried again until somebody says so", append(fields, zap.Error(err))...)
	case queued:
		r.log.Info("a job is given back", fields...)
	default:
		r.log.Warn("an attempt at a job has failed", append(fields, zap.String("then", stateNames[e.state]), zap.Error(err))...)
	}
}
