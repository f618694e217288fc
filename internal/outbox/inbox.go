package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/event"
)

// Inbox handles what comes over a broker, each event once in effect for each subscriber, however often it is delivered.
type Inbox struct {
	*Outbox
	slots *semaphore.Weighted
	hands map[string]*hands
}

// NewInbox returns an inbox for the subscribers that are bound.
func NewInbox(o *Outbox) *Inbox {
	i := &Inbox{Outbox: o, slots: semaphore.NewWeighted(int64(o.cfg.Concurrency)), hands: map[string]*hands{}}
	for _, s := range o.topics.Subscribers() {
		i.hands[s.Name] = &hands{Subscriber: s, topics: o.topics, timeout: o.cfg.HandlerTimeout, errors: o.errors, tracer: o.tracer}
	}
	return i
}

// Subscribers lists who wants events.
func (i *Inbox) Subscribers() []*Subscriber { return i.topics.Subscribers() }

// Receive handles events of one tenant and topic, in order, and remembers them in one transaction. It returns how many of
// them, from the first one on, the broker may forget: they have been handled, now or before; or have failed, or come after
// one of their key that has, and the relay will deliver them from the database when their time has come. So a failure
// holds up neither the broker nor the other keys. The rest has to be received again: a batch is to be short. It is ErrEarly
// when the first event has come too early; any other error is that of a database that is away. Once ctx has ended no
// further event is begun, and the one that is under way is finished.
func (i *Inbox) Receive(ctx context.Context, subscriber string, events ...*event.Envelope) (int, error) {
	h := i.hands[subscriber]
	if h == nil {
		return 0, fmt.Errorf("receive for %s: there is no such subscriber", subscriber)
	}
	if err := i.slots.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer i.slots.Release(1)
	return i.attempt(ctx, h, events)
}

// attempt receives the events, or where one of them fails what goes before that one.
func (i *Inbox) attempt(ctx context.Context, h *hands, events []*event.Envelope) (int, error) {
	n, ran, err := i.batch(ctx, h, events)
	if err == nil {
		return n, nil
	}
	first := events[0]
	f, failed := errors.AsType[*fault](err)
	switch {
	case errors.Is(err, ErrEarly):
		return 0, err
	case failed && f.index > 0: // the culprit is the first one next time
		return i.attempt(ctx, h, events[:f.index])
	case away(context.WithoutCancel(ctx), err):
	case !failed && len(events) > 1: // the transaction as a whole failed, such as at its commit
		return i.attempt(ctx, h, events[:1])
	case failed, ran && !errors.Is(err, database.ErrBusy):
		if err := i.giveUp(inside(context.WithoutCancel(ctx), first.Tenant), h.Name, first, err); err != nil {
			return 0, err
		}
		return 1, nil
	}
	return 0, fmt.Errorf("receive %s for %s: %w", first.Topic, h.Name, err)
}

// Workers is how many transactions are to be open at once for one subscriber of a topic.
func (i *Inbox) Workers() int { return i.workers() }

// Prefetch is how many events of a topic are to be taken from the broker for one subscriber before they are handled.
func (i *Inbox) Prefetch() int { return i.cfg.Prefetch }

// AtOnce is how many events Receive takes for a subscriber at most: few while its handlers are slow, as those of one
// transaction wait for each other.
func (i *Inbox) AtOnce(subscriber string) int { return i.hands[subscriber].pace() }

// batch does so with as many of the events as the time of a batch allows. On a fault it has done nothing. ran tells
// whether a handler has finished.
func (i *Inbox) batch(ctx context.Context, h *hands, events []*event.Envelope) (n int, ran bool, err error) {
	var handled []item
	events = events[:min(len(events), h.pace())]
	err = i.db.InTx(inside(context.WithoutCancel(ctx), events[0].Tenant), func(within context.Context) error {
		a, err := i.look(within, h.Name, events)
		if err != nil {
			return err
		}
		begun := time.Now()
		for at, e := range events[:a.punctual] {
			if at > 0 && (time.Since(begun) > batchTime || ctx.Err() != nil) {
				break
			}
			did, err := i.receive(within, h, a, e)
			if f, ok := errors.AsType[*fault](err); ok {
				f.index = at
			}
			if err != nil {
				return err
			}
			if did {
				handled = append(handled, item{event: *e})
			}
			n++
		}
		ran = len(handled) > 0
		return errors.Join(i.forget(within, a, events[n:]), i.confirm(within, events[:n]))
	})
	if err != nil {
		return 0, ran, err
	}
	i.metrics.handled(h.Name, handled)
	return n, ran, nil
}

// receive deals with one event in the transaction of ctx. An error of its handler is a fault.
func (i *Inbox) receive(ctx context.Context, h *hands, a arrivals, e *event.Envelope) (handled bool, err error) {
	if !a.fresh[e.ID] {
		return false, nil
	}
	delete(a.fresh, e.ID)
	if a.behind[e.Key] {
		return false, i.hand(ctx, h.Name, e, 0, nil)
	}
	err = h.handle(ctx, e)
	if err == nil {
		err = i.db.Settle(restore(ctx, e))
	}
	if err != nil {
		return false, &fault{at: item{event: *e}, err: err}
	}
	return true, nil
}

// giveUp leaves an event that has failed to the relay.
func (i *Inbox) giveUp(ctx context.Context, subscriber string, e *event.Envelope, cause error) error {
	err := i.db.InTx(ctx, func(ctx context.Context) (err error) {
		one := []*event.Envelope{e}
		fresh, err := i.remember(ctx, subscriber, one)
		if err != nil || !fresh[e.ID] {
			return err
		}
		return errors.Join(i.hand(ctx, subscriber, e, 1, cause), i.confirm(ctx, one))
	})
	if err != nil {
		return fmt.Errorf("note that event %s failed: %w", e.ID, err)
	}
	state, _ := verdict(i.cfg, 1, cause)
	i.report(subscriber, e, 1, state, cause)
	return nil
}

// hand gives e to the relay.
func (i *Inbox) hand(ctx context.Context, subscriber string, e *event.Envelope, attempts int, cause error) error {
	d := i.delivery(e, subscriber).SetAttempts(attempts).SetChangedMs(time.Now().UnixMilli())
	if cause != nil {
		state, next := verdict(i.cfg, attempts, cause)
		d.SetState(state).SetNextMs(next.UnixMilli()).SetError(reason(cause))
	}
	_, err := exec(ctx, i.db, `INSERT INTO outbox_events (id, tenant_id, topic, version, key, actor_id, request_id, trace, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`, // it was cleaned away, if it took that long
		e.ID, e.Tenant, e.Topic, e.Version, e.Key, e.Actor, e.RequestID, e.Trace, string(e.Data), e.Time)
	if err != nil {
		return fmt.Errorf("keep event %s: %w", e.ID, err)
	}
	if err := d.Exec(ctx); err != nil {
		return fmt.Errorf("leave event %s to the relay: %w", e.ID, err)
	}
	return nil
}
