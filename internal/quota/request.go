package quota

import (
	"context"
	"slices"
	"time"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// ErrUnavailable is the answer when it cannot be found out whether there is room, and quota.on_error is deny.
var ErrUnavailable = problem.New(problem.Unavailable, "quota.unavailable", "The quota of the tenant cannot be checked now")

// remembered is how long a replica takes its word that there is no room, or that the database does not answer.
const remembered = time.Second

// Standing is how a tenant stands after a request: the hard limit of which the least is left. It is zero without one.
type Standing struct {
	Limit     quota.Limit
	Remaining int64
	Resets    time.Time     // zero for Lifetime
	Length    time.Duration // of the window; 0 for Lifetime
}

// Count is Request under the terms that the tenant has now.
func (q *Quotas) Count(ctx context.Context, id tenant.ID) (Standing, error) {
	t, err := q.terms.Of(ctx, id)
	if err == nil {
		return q.Request(ctx, id, t)
	}
	if q.cfg.OnError == allow && ctx.Err() == nil {
		q.metrics.unchecked.Inc()
		return Standing{}, nil
	}
	return Standing{}, err
}

// Request counts a request of the tenant in ctx, which is id and has these terms. Most are counted in memory, from a chunk that
// was counted in the database before. A replica that is killed has at most its chunk counted without use: never is more
// served than the limits allow. Without a limit on requests nothing is done.
func (q *Quotas) Request(ctx context.Context, id tenant.ID, t *terms.Terms) (Standing, error) {
	if len(t.Quotas) == 0 {
		return Standing{}, nil
	}
	if m := q.meters.find(id); m != nil {
		if c := m.chunk.Load(); c != nil && c.terms.Load() == t && c.current(q.now()) {
			if left, ok := c.take(); ok {
				if left == c.low {
					q.ahead(m, c)
				}
				return c.standing(left), nil
			}
		}
	}
	limits := t.Limits(quota.Requests)
	if len(limits) == 0 {
		return Standing{}, nil
	}
	return q.queue(ctx, id, t, limits)
}

// queue serves a request for which there was nothing in memory.
func (q *Quotas) queue(ctx context.Context, id tenant.ID, t *terms.Terms, limits []quota.Limit) (Standing, error) {
	for {
		m := q.meters.of(id)
		m.mu.Lock()
		if m.dropped {
			m.mu.Unlock()
			continue
		}
		now := q.now()
		if c := m.chunk.Load(); c != nil && c.current(now) && slices.Equal(c.limits, limits) {
			if left, ok := c.take(); ok {
				c.terms.Store(t) // read again, and the same
				m.mu.Unlock()
				return c.standing(left), nil
			}
		}
		if r := m.refused; r != nil && r.holds(now) && slices.Equal(r.limits, limits) {
			m.mu.Unlock()
			return q.refuse(ctx, r, now)
		}
		m.waiting++
		if m.flight == nil {
			q.depart(m, t, limits, max(m.wants(now), m.waiting))
		}
		f := m.flight
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-f.done:
		}
		m.mu.Lock()
		m.waiting--
		m.mu.Unlock()
		if ctx.Err() != nil {
			return Standing{}, context.Cause(ctx)
		}
	}
}

// refuse answers what is known to have no room.
func (q *Quotas) refuse(ctx context.Context, r *refusal, now time.Time) (Standing, error) {
	if r.failed != nil {
		if q.cfg.OnError == allow {
			q.metrics.unchecked.Inc()
			return Standing{}, nil
		}
		return Standing{}, ErrUnavailable.Wrap(r.failed)
	}
	q.denials.Denied(ctx, "quota", string(quota.Requests))
	wait := maxWait
	if !r.shown.Resets.IsZero() {
		wait = min(r.shown.Resets.Sub(now), maxWait)
	}
	return r.shown, exceeded(r.shown.Limit, r.used, wait)
}

// ahead refills before the last of the chunk is taken, so that nobody waits.
func (q *Quotas) ahead(m *meter, c *chunk) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := q.now()
	if m.flight != nil || m.dropped || m.chunk.Load() != c || m.refused != nil && m.refused.holds(now) {
		return
	}
	if n := m.wants(now); n > 0 {
		q.depart(m, c.terms.Load(), c.limits, n)
	}
}
