// Package ratelimit counts in memory how often something happens.
package ratelimit

import (
	"container/list"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/pkg/ratelimit"
)

// Limiter follows the generic cell rate algorithm (ITU-T I.371): of each key it keeps one number, the time at which all
// that was counted will have drained. Times are those of the monotonic clock, so that a clock that is set does not
// matter.
type Limiter struct {
	public atomic.Pointer[ratelimit.Limit]
	start  time.Time

	mu    sync.Mutex
	max   int
	cells map[name]*list.Element
	order *list.List // of *cell; what was counted last is in front
}

// name is a key within a limit.
type name struct{ limit, key string }

type cell struct {
	name
	drained time.Duration // since start
}

var _ ratelimit.Limiter = (*Limiter)(nil)

// New returns a limiter that has counted nothing.
func New(cfg Config) *Limiter {
	l := &Limiter{start: time.Now(), cells: map[name]*list.Element{}, order: list.New()}
	l.Set(cfg)
	return l
}

// Set changes the limits. What was counted stays counted.
func (l *Limiter) Set(cfg Config) {
	l.public.Store(&ratelimit.Limit{Events: cfg.PublicPerMinute, Period: time.Minute})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.max = cfg.MaxKeys
	l.forget(l.max)
}

// forget keeps the keys that were counted last, up to a number.
func (l *Limiter) forget(keep int) {
	for l.order.Len() > keep {
		oldest := l.order.Remove(l.order.Back()).(*cell)
		delete(l.cells, oldest.name)
	}
}

// Public counts a request from ip to an operation that needs no sign-in. Every operation has a limit of its own.
func (l *Limiter) Public(operation, ip string) error {
	limit := *l.public.Load()
	limit.Name = operation
	return l.Allow(limit, ratelimit.Source(ip))
}

// Allow implements ratelimit.Limiter.
func (l *Limiter) Allow(limit ratelimit.Limit, key string) error {
	if limit.Events < 1 || limit.Period < time.Duration(limit.Events) {
		return fmt.Errorf("the limit %q allows nothing", limit.Name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	at := name{limit.Name, key}
	drained := now
	known := l.cells[at]
	if known != nil {
		drained = max(now, known.Value.(*cell).drained)
	}
	drained += limit.Period / time.Duration(limit.Events)
	if wait := drained - limit.Period - now; wait > 0 {
		return ratelimit.ErrLimited.After(wait)
	}
	if known != nil {
		known.Value.(*cell).drained = drained
		l.order.MoveToFront(known)
		return nil
	}
	l.forget(l.max - 1)
	l.cells[at] = l.order.PushFront(&cell{name: at, drained: drained})
	return nil
}

// Undo implements ratelimit.Limiter.
func (l *Limiter) Undo(limit ratelimit.Limit, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.cells[name{limit.Name, key}]; known != nil && limit.Events > 0 {
		known.Value.(*cell).drained -= limit.Period / time.Duration(limit.Events)
	}
}
