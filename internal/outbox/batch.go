package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/problem"
)

const (
	batchSize = 100
	batchTime = 25 * time.Millisecond // after it no further event is begun: the transaction is to be short
)

// destination is where deliveries go: a subscriber, whose events are handled in the transaction that removes the
// deliveries, or the broker.
type destination struct {
	name string
	take func(ctx context.Context, e []item) (taken int, err error)
	held bool // whether the transaction is open while take works: a broker must not keep SQLite's one writer waiting
}

// fault is why one of a batch was not taken.
type fault struct {
	at    item
	index int
	err   error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// errLocked is why nothing was done: another replica works on the lane, or has.
var errLocked = errors.New("another replica works on this lane")

// batch delivers the oldest of what is ready in a place, up to limit, in one transaction. On a fault none of them is
// done.
func (r *Relay) batch(ctx context.Context, to *destination, at place, limit int) (taken []item, touched int, err error) {
	work := func(ctx context.Context) error {
		items, err := ready(ctx, r.db, to.name, at, limit)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return errLocked
		}
		free, behind := split(items)
		if err := hold(ctx, r.db, behind); err != nil {
			return err
		}
		n, err := to.take(ctx, free)
		if err != nil && (n == 0 || isSubscriber(to.name)) {
			return err
		}
		taken, touched = free[:n], n+len(behind)
		if !isSubscriber(to.name) {
			return r.entrusted(ctx, taken)
		}
		return done(ctx, r.db, taken)
	}
	ctx = inside(ctx, at.tenant)
	if to.held {
		err = r.db.InTx(ctx, work)
	} else {
		err = work(ctx)
	}
	if err != nil {
		return nil, 0, err
	}
	return taken, touched, nil
}

// split parts what may go on from what has to wait behind another of its key.
func split(items []item) (free, behind []item) {
	for _, i := range items {
		if i.heldMs > 0 {
			behind = append(behind, i)
		} else {
			free = append(free, i)
		}
	}
	return free, behind
}

// called returns what hands the events to a subscriber.
func (r *Relay) called(h *hands) func(context.Context, []item) (int, error) {
	return func(ctx context.Context, items []item) (int, error) {
		begun := time.Now()
		for i := range items {
			if i > 0 && (time.Since(begun) > batchTime || r.stopping()) {
				return i, nil
			}
			err := h.handle(ctx, &items[i].event)
			if err == nil {
				err = r.db.Settle(restore(ctx, &items[i].event))
			}
			if err != nil {
				return i, &fault{at: items[i], index: i, err: err}
			}
		}
		return len(items), nil
	}
}

// deliver works on one place: a batch, and where one of it fails, what goes before that one.
func (r *Relay) deliver(ctx context.Context, to *destination, at place, limit int) (touched int, err error) {
	taken, touched, err := r.batch(ctx, to, at, limit)
	if f, ok := errors.AsType[*fault](err); ok && f.index > 0 {
		taken, touched, err = r.batch(ctx, to, at, f.index) // the culprit is the first one then
	}
	if err == nil {
		r.metrics.handled(to.name, taken)
		return touched, nil
	}
	f, ok := errors.AsType[*fault](err)
	if !ok {
		if errors.Is(err, errLocked) || errors.Is(err, errTaken) {
			return 0, errLocked
		}
		return r.single(ctx, to, at, err)
	}
	if away(ctx, f.err) {
		return 0, err
	}
	return 1, r.note(ctx, to, at, f)
}

// single finds the culprit where the transaction as a whole failed, such as at its commit.
func (r *Relay) single(ctx context.Context, to *destination, at place, cause error) (int, error) {
	if away(ctx, cause) || errors.Is(cause, database.ErrBusy) || !isSubscriber(to.name) {
		return 0, cause
	}
	items, err := ready(inside(ctx, at.tenant), r.db, to.name, at, 1)
	if err != nil || len(items) == 0 {
		return 0, errors.Join(cause, err)
	}
	taken, touched, err := r.batch(ctx, to, at, 1)
	switch {
	case err == nil:
		r.metrics.handled(to.name, taken)
		return touched, nil
	case errors.Is(err, errLocked) || errors.Is(err, errTaken):
		return 0, errLocked
	case away(ctx, err) || errors.Is(err, database.ErrBusy):
		return 0, err
	}
	return 1, r.note(ctx, to, at, &fault{at: items[0], err: err})
}

// away tells whether the event is not to blame: the process stops, or the database is away.
func away(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	for _, p := range []*problem.Problem{database.ErrUnavailable, database.ErrReadOnly, database.ErrFull} {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// note keeps what went wrong and when to try again, if ever.
func (r *Relay) note(ctx context.Context, to *destination, at place, f *fault) error {
	state, next := verdict(r.cfg, f.at.attempts+1, f.err)
	err := r.db.InTx(inside(ctx, at.tenant), func(ctx context.Context) error {
		if _, err := lockLane(ctx, r.db, to.name, at.lane, true); err != nil {
			return err
		}
		_, err := exec(ctx, r.db, `UPDATE outbox_deliveries SET attempts = attempts + 1, state = $1, next_ms = $2, error = $3, changed_ms = $4
WHERE id = $5 AND state = 0 AND attempts = $6`, state, next.UnixMilli(), reason(f.err), time.Now().UnixMilli(), f.at.id, f.at.attempts)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that event %s failed: %w", f.at.event.ID, err)
	}
	r.report(to.name, &f.at.event, f.at.attempts+1, state, f.err)
	return nil
}

// verdict is what becomes of a delivery that has failed so often.
func verdict(cfg Config, attempts int, err error) (state int, next time.Time) {
	if attempts >= cfg.MaxAttempts || event.IsPermanent(err) {
		return stateParked, time.UnixMilli(0)
	}
	return stateWaiting, time.Now().Add(pause(cfg, attempts))
}
