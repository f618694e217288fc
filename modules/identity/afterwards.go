package identity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	maxAfterwards  = 1000 // pieces of work that wait
	afterwardsTime = 30 * time.Second
)

// afterwards does, one after the other, what must not be done before the answer: the time of an answer could tell
// whether an address is known. What it has taken on is done before the process stops, and lost when it is killed: the
// person asks again.
type afterwards struct {
	tx   tx.Runner
	log  *zap.Logger
	work chan func()
	done chan struct{}

	mu     sync.RWMutex // held for reading while something is queued
	closed bool
}

func newAfterwards(run tx.Runner, log *zap.Logger) *afterwards {
	return &afterwards{tx: run, log: log, work: make(chan func(), maxAfterwards), done: make(chan struct{})}
}

func (a *afterwards) start(context.Context) error {
	go func() {
		defer close(a.done)
		for next := range a.work {
			next()
		}
	}()
	return nil
}

func (a *afterwards) stop(ctx context.Context) error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.work)
	}
	a.mu.Unlock()
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("finish what was promised: %w", ctx.Err())
	}
}

// do queues fn, which runs in a transaction, on behalf of ctx but without its deadline. An error is logged. When too
// much waits already it answers ErrBusy.
func (a *afterwards) do(ctx context.Context, what string, fn func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx)
	job := func() {
		defer func() {
			if p := recover(); p != nil {
				a.log.Error("panic", append(logger.Scope(ctx), zap.String("doing", what), zap.Any("panic", p), zap.Stack("stack"))...)
			}
		}()
		ctx, cancel := context.WithTimeout(ctx, afterwardsTime)
		defer cancel()
		if err := a.tx.InTx(ctx, fn); err != nil {
			a.log.Error("work after an answer failed", append(logger.Scope(ctx), zap.String("doing", what), zap.Error(err))...)
		}
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.closed {
		return identityapi.ErrBusy
	}
	select {
	case a.work <- job:
		return nil
	default:
		return identityapi.ErrBusy
	}
}
