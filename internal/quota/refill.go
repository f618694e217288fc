package quota

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	few           = 8               // requests that are taken at once from whoever asks rarely, where that is little enough
	growth        = 4               // how much larger than the one before a chunk can be
	flightTimeout = 5 * time.Second // for all statements of a refill
)

// errRaced is the end of a refill that others were always faster than.
var errRaced = errors.New("the counter changes too fast")

// wants is how many requests to take ahead: a second's worth, at most a hundredth of what is left in all, less what is there.
// m must be locked.
func (m *meter) wants(now time.Time) int64 {
	c := m.chunk.Load()
	if c == nil {
		return 1
	}
	left := max(c.left.Load(), 0)
	elapsed := max(now.Sub(m.taken), time.Millisecond)
	pace := int64(float64(m.given-left) / elapsed.Seconds())
	return min(max(pace, few), growth*max(m.given, 1), c.beyond/100) - left
}

// order is what a refill has to do.
type order struct {
	terms  *terms.Terms
	limits []quota.Limit
	n      int64 // to be taken
	need   int64 // of these, requests that wait
	back   int64 // to be given back, because it can no longer be served
	at     numbers
}

// depart refills in the background. What the chunk still has is given back on the way, when it cannot be served any more. m
// must be locked.
func (q *Quotas) depart(m *meter, t *terms.Terms, limits []quota.Limit, n int64) {
	o := order{terms: t, limits: limits, n: n, need: m.waiting}
	if c := m.chunk.Load(); c != nil && (!c.current(q.now()) || !slices.Equal(c.limits, limits)) {
		o.back, o.at = c.close(), c.at
	}
	f := &flight{done: make(chan struct{})}
	m.flight = f
	q.flying.Go(func() {
		ctx, cancel := context.WithTimeout(tenant.NewContext(context.Background(), m.id), flightTimeout)
		defer cancel()
		at, over := q.land(m, f, o, q.refill(ctx, m.id, o))
		q.giveBack(ctx, m.id, at, over)
	})
}

// refilled is how a refill ended.
type refilled struct {
	account
	row row
	n   int64 // 0 when there was no room
	err error
}

// refill counts what is ordered, or as much as there is room for. A failure after which the order to give something back is
// lost leaves that counted without use.
func (q *Quotas) refill(ctx context.Context, id tenant.ID, o order) (r refilled) {
	if r.account, r.err = q.open(ctx, id, quota.Requests, o.limits); r.err != nil {
		return r
	}
	r.err = q.run.InTx(ctx, func(ctx context.Context) error {
		if o.back > 0 {
			if _, err := q.ledger.change(ctx, id, quota.Requests, -o.back, o.at); err != nil {
				return err
			}
		}
		n := o.n
		for range 3 { // a row that is there is locked by the first try; one that is not can appear
			counted, err := q.ledger.add(ctx, id, quota.Requests, n, r.at, o.limits)
			if err != nil {
				return err
			}
			if counted != nil {
				r.row, r.n = *counted, n
				return q.announce(ctx, id, quota.Requests, counted, o.limits)
			}
			before, err := q.ledger.read(ctx, id, quota.Requests)
			if err != nil {
				return err
			}
			r.row = before.at(r.at)
			room := r.row.room(o.limits)
			if room == 0 {
				return q.announce(ctx, id, quota.Requests, &r.row, o.limits)
			}
			n = min(n, max(room/100, o.need, 1), room)
		}
		return errRaced
	})
	if r.err != nil {
		r.err = fmt.Errorf("count the requests of tenant %s: %w", id, r.err)
	}
	return r
}

// land makes what was counted available. It returns what is left of the chunk before, where it belongs to other windows.
func (q *Quotas) land(m *meter, f *flight, o order, r refilled) (at numbers, over int64) {
	q.noted(r.err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flight = nil
	defer close(f.done)
	now := q.now()
	switch {
	case r.err != nil:
		m.refused = &refusal{limits: o.limits, failed: r.err, noticed: now, until: now.Add(remembered)}
		return at, 0
	case r.n == 0:
		m.refused = r.refusal(o.limits, now)
		return at, 0
	}
	q.metrics.taken.Inc()
	n := r.n
	if before := m.chunk.Load(); before != nil {
		left := before.close()
		if before.at == r.row.numbers() && slices.Equal(before.limits, o.limits) {
			n += left
		} else {
			at, over = before.at, left
		}
	}
	m.chunk.Store(newChunk(r, o, n))
	m.refused, m.taken, m.given, m.seen, m.quiet = nil, now, n, -1, 0
	return at, over
}

func newChunk(r refilled, o order, n int64) *chunk {
	c := &chunk{limits: o.limits, at: r.row.numbers(), low: -1, beyond: quota.MaxAmount}
	c.left.Store(n)
	c.terms.Store(o.terms)
	if n > 1 { // whoever has but one asks rarely, and does not mind to wait
		c.low = n / 2
	}
	for _, l := range o.limits {
		i := index(l)
		ends := r.row.ends(i, r.zone)
		if !ends.IsZero() && (c.ends.IsZero() || ends.Before(c.ends)) {
			c.ends = ends
		}
		if left := max(l.Amount-r.row[i].used, 0); !l.Soft && (left < c.beyond || c.shown.Limit.Window == "") {
			c.shown, c.beyond = r.standing(l), left
		}
	}
	return c
}

// standing is that of a limit, without what remains.
func (r *refilled) standing(l quota.Limit) Standing {
	s := Standing{Limit: l, Resets: r.row.ends(index(l), r.zone)}
	if !s.Resets.IsZero() {
		s.Length = s.Resets.Sub(l.Window.Starts(r.row[index(l)].number, r.zone))
	}
	return s
}

func (r *refilled) refusal(limits []quota.Limit, now time.Time) *refusal {
	which, wait := r.row.full(limits, 1, now, r.zone)
	return &refusal{
		limits: limits, noticed: now, until: now.Add(min(wait, remembered)),
		used: r.row[index(which)].used, shown: r.standing(which),
	}
}

// giveBack undoes what was counted and is not used. What cannot be stays counted.
func (q *Quotas) giveBack(ctx context.Context, id tenant.ID, at numbers, n int64) {
	if n == 0 {
		return
	}
	err := q.run.InTx(ctx, func(ctx context.Context) error {
		_, err := q.ledger.change(ctx, id, quota.Requests, -n, at)
		return err
	})
	if err != nil {
		err = fmt.Errorf("give back %d requests of tenant %s: %w", n, id, err)
	}
	q.noted(err)
}

// noted says once that requests cannot be counted, and once that they can again.
func (q *Quotas) noted(err error) {
	if err != nil {
		q.metrics.failures.Inc()
	}
	switch {
	case err != nil && q.failing.CompareAndSwap(false, true):
		q.log.Warn("requests cannot be counted", zap.String("on_error", q.cfg.OnError), zap.Error(err))
	case err == nil && q.failing.CompareAndSwap(true, false):
		q.log.Info("requests can be counted again")
	}
}
