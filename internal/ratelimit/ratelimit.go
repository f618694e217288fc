// Package ratelimit counts how often something happens: in Redis for all replicas, or in the memory of this one.
package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/internal/cells"
	"github.com/yourorg/platform/pkg/ratelimit"
)

// Limiter counts events by name and key. In memory, times are those of the monotonic clock, so that a clock that is set does
// not matter.
type Limiter struct {
	store  *Store
	public atomic.Pointer[ratelimit.Limit]
	start  time.Time

	mu   sync.Mutex
	seen *cells.Cells[name] // when each has drained, since start
}

// name is a key within a limit.
type name struct{ limit, key string }

var _ ratelimit.Limiter = (*Limiter)(nil)

// New returns a limiter that has counted nothing, and counts in memory.
func New(cfg Config) *Limiter { return limiterOn(newStore(cfg), cfg) }

func limiterOn(s *Store, cfg Config) *Limiter {
	l := &Limiter{store: s, start: time.Now(), seen: cells.New[name](cfg.MaxKeys)}
	l.Set(cfg)
	return l
}

// Set changes the limits. What was counted stays counted.
func (l *Limiter) Set(cfg Config) {
	l.public.Store(&ratelimit.Limit{Events: cfg.PublicPerMinute, Period: time.Minute})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Limit(cfg.MaxKeys)
}

// Public counts a request from ip to an operation that needs no sign-in. Every operation has a limit of its own, which is
// returned with what is left of it, also when the request is refused.
func (l *Limiter) Public(ctx context.Context, operation, ip string) (ratelimit.Limit, Standing, error) {
	limit := *l.public.Load()
	limit.Name = operation
	left, err := l.count(ctx, public, limit, ratelimit.Source(ip))
	return limit, left, err
}

// Allow implements ratelimit.Limiter.
func (l *Limiter) Allow(limit ratelimit.Limit, key string) error {
	if limit.Events < 1 || limit.Period < time.Duration(limit.Events) {
		return fmt.Errorf("the limit %q allows nothing", limit.Name)
	}
	_, err := l.count(context.Background(), named, limit, key)
	return err
}

// count asks the store that all replicas share, and counts here when that is away: whoever guesses passwords must not be
// let alone, nor everybody shut out. So ratelimit.on_error means nothing here.
func (l *Limiter) count(ctx context.Context, what scope, limit ratelimit.Limit, key string) (Standing, error) {
	p, where := paceOfLimit(limit), inRedis
	o, known := l.store.take(ctx, ask{key: l.store.limitKey(limit.Name, key), pace: p})
	if !known {
		where, o = inMemory, l.take(p, name{limit.Name, key})
	}
	if !o.counted {
		l.store.count(what, where, refused)
		return p.standing(o.ahead[0]), ratelimit.ErrLimited.After(p.wait(o.ahead[0]))
	}
	l.store.count(what, where, allowed)
	return p.standing(o.ahead[0]), nil
}

func (l *Limiter) take(p pace, at name) (o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	drained := time.Duration(0)
	if place, known := l.seen.Find(at); known {
		drained = *l.seen.At(place)
	}
	o.ahead[0] = p.ahead(drained, now)
	if p.wait(o.ahead[0]) > 0 {
		return o
	}
	o.counted = true
	o.ahead[0] += p.every
	*l.seen.At(l.seen.Use(at)) = now + o.ahead[0]
	return o
}

// Undo implements ratelimit.Limiter.
func (l *Limiter) Undo(limit ratelimit.Limit, key string) {
	if limit.Events < 1 {
		return
	}
	p := paceOfLimit(limit)
	if l.store.undo(ask{key: l.store.limitKey(limit.Name, key), pace: p}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if place, known := l.seen.Find(name{limit.Name, key}); known {
		*l.seen.At(place) -= p.every
	}
}
