package lease

import (
	"context"
	"errors"
	"time"
)

// ErrLost is the cause of the end of a context whose lease another replica may hold by now.
var ErrLost = errors.New("the lease was lost")

// Hold waits until this replica holds name, runs fn, and gives name back. The context of fn ends with ErrLost as its
// cause when the lease cannot be renewed in time; fn is then waited for, and Hold begins again. It returns when ctx ends.
// Errors of the database are handed to report, which may be nil, and Hold goes on.
//
// Two replicas never run fn at once as long as fn obeys its context within a third of ttl. What must hold beyond that
// has to be kept by the token of the lease, or by a transaction.
func (l *Leases) Hold(ctx context.Context, name string, ttl time.Duration, fn func(ctx context.Context, held Lease), report func(error)) {
	if report == nil {
		report = func(error) {}
	}
	pause := time.NewTicker(ttl / 3)
	defer pause.Stop()
	for {
		held, ok, err := l.Acquire(ctx, name, ttl)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			report(err)
		case ok:
			l.run(ctx, held, ttl, fn, report)
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// run calls fn while the lease can be renewed.
func (l *Leases) run(ctx context.Context, held Lease, ttl time.Duration, fn func(context.Context, Lease), report func(error)) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(within, held)
	}()
	tick := time.NewTicker(ttl / 3)
	defer tick.Stop()
	for {
		select {
		case <-done:
			l.giveBack(ctx, held, report)
			return
		case <-tick.C:
		}
		held = l.extend(context.WithoutCancel(ctx), held, ttl, cancel, report) // also while fn finishes: nobody else may begin
	}
}

// extend renews the lease, and ends the work when that fails so often that two thirds of it have gone by.
func (l *Leases) extend(ctx context.Context, held Lease, ttl time.Duration, cancel context.CancelCauseFunc, report func(error)) Lease {
	within, stop := context.WithTimeout(ctx, ttl/3)
	defer stop()
	renewed, ok, err := l.Renew(within, held, ttl)
	switch {
	case err == nil && !ok:
		cancel(ErrLost)
	case err != nil:
		report(err)
		if time.Until(held.until) < ttl/3 {
			cancel(ErrLost)
		}
	}
	return renewed
}

func (l *Leases) giveBack(ctx context.Context, held Lease, report func(error)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := l.Release(ctx, held); err != nil {
		report(err)
	}
}
