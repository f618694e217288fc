package health

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/pkg/health"
)

// errHanging is why a check that ignores its context is unhealthy: it is not called again before it has returned.
var errHanging = errors.New("an earlier examination has not returned yet")

// examined is a check that can do no harm: it neither panics, nor blocks, nor piles up goroutines.
type examined struct {
	health.Check
	name    string
	running atomic.Bool
}

// examine keeps what the platform can do without from being worse than degraded.
func (e *examined) examine(timeout time.Duration) Result {
	result := e.ask(timeout)
	if _, optional := e.Check.(health.Optional); optional && result.Status == health.Unhealthy {
		result.Status = health.Degraded
	}
	return result
}

func (e *examined) ask(timeout time.Duration) Result {
	if !e.running.CompareAndSwap(false, true) {
		return Result{Name: e.name, Status: health.Unhealthy, Err: errHanging}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	begin := time.Now()
	done := make(chan Result, 1)
	go func() {
		status, err := e.call(ctx)
		e.running.Store(false)
		done <- Result{Name: e.name, Status: status, Duration: time.Since(begin), Err: err}
	}()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
		return Result{
			Name: e.name, Status: health.Unhealthy, Duration: time.Since(begin),
			Err: fmt.Errorf("no answer within %s: %w", timeout, ctx.Err()),
		}
	}
}

// call turns every answer that makes no sense into unhealthy.
func (e *examined) call(ctx context.Context) (status health.Status, err error) {
	defer func() {
		if p := recover(); p != nil {
			status, err = health.Unhealthy, fmt.Errorf("the check panicked: %v", p)
		}
	}()
	status, err = e.Check.Check(ctx)
	if _, known := severity[status]; !known {
		return health.Unhealthy, errors.Join(fmt.Errorf("the check answered with the unknown status %q", status), err)
	}
	if err != nil && status == health.Healthy {
		return health.Unhealthy, err
	}
	return status, err
}
