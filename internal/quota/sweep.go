package quota

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/tenant"
)

const (
	every = time.Second // between two sweeps
	idle  = 5           // sweeps without a request, after which a tenant is forgotten
)

// Start sweeps in the background.
func (q *Quotas) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	q.stop, q.done = cancel, make(chan struct{})
	go func() {
		defer close(q.done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				q.Sweep(ctx)
			}
		}
	}()
	return nil
}

// Stop gives back what was counted in advance, as long as ctx allows. Nobody sends requests any more.
func (q *Quotas) Stop(ctx context.Context) error {
	if q.stop == nil {
		return nil
	}
	q.stop()
	landed := make(chan struct{})
	go func() {
		defer close(landed)
		<-q.done
		q.flying.Wait()
	}()
	select {
	case <-landed:
	case <-ctx.Done():
		return fmt.Errorf("stop counting requests: %w", ctx.Err())
	}
	for _, m := range q.meters.each() {
		m.mu.Lock()
		c := m.chunk.Load()
		left := c.close()
		m.mu.Unlock()
		if left > 0 {
			q.giveBack(tenant.NewContext(ctx, m.id), m.id, c.at, left)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("give back requests that were counted in advance: %w", ctx.Err())
		}
	}
	return nil
}

// Sweep gives back what was counted in advance in windows that have ended, and for tenants that have become quiet, which are
// forgotten; and it announces what could not be announced before. It is called every second after Start, and by tests.
func (q *Quotas) Sweep(ctx context.Context) {
	now := q.now()
	for _, m := range q.meters.each() {
		if at, left := q.rest(m, now); left > 0 {
			q.giveBack(tenant.NewContext(ctx, m.id), m.id, at, left)
		}
	}
	if err := q.announceLate(ctx); err != nil && !errors.Is(err, context.Canceled) {
		q.log.Warn("a limit that is reached could not be announced", zap.Error(err))
	}
}

// rest takes what a tenant no longer uses.
func (q *Quotas) rest(m *meter, now time.Time) (at numbers, left int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flight != nil || m.waiting > 0 {
		m.quiet = 0
		return at, 0
	}
	c := m.chunk.Load()
	if c != nil && !c.current(now) {
		at, left = c.at, c.close()
	}
	if c != nil && c.left.Load() != m.seen {
		m.seen, m.quiet = c.left.Load(), 0
		return at, left
	}
	if m.quiet++; m.quiet < idle {
		return at, left
	}
	m.dropped = true
	q.meters.drop(m)
	if c != nil {
		at, left = c.at, left+c.close()
	}
	return at, left
}
