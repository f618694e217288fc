package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/event"
)

// Inbox handles what comes over a broker, each event once in effect for each subscriber, however often it is delivered.
type Inbox struct {
	*Outbox
	hands map[string]*hands
}

// NewInbox returns an inbox for the subscribers that are bound.
func NewInbox(o *Outbox) *Inbox {
	i := &Inbox{Outbox: o, hands: map[string]*hands{}}
	for _, s := range o.topics.Subscribers() {
		i.hands[s.Name] = &hands{Subscriber: s, topics: o.topics, timeout: o.cfg.HandlerTimeout, errors: o.errors}
	}
	return i
}

// Subscribers lists who wants events.
func (i *Inbox) Subscribers() []*Subscriber { return i.topics.Subscribers() }

// Receive handles e and remembers it in one transaction. When it returns nil the broker may forget e: it has been
// handled, now or before; or it has failed, or comes after one of its key that has, and the relay will deliver it from
// the database when its time has come. So a failure holds up neither the broker nor the other keys.
func (i *Inbox) Receive(ctx context.Context, subscriber string, e *event.Envelope) error {
	h := i.hands[subscriber]
	if h == nil {
		return fmt.Errorf("receive %s: there is no subscriber %s", e.Topic, subscriber)
	}
	begun := inside(ctx, e.Tenant)
	failure, handled := error(nil), false
	err := i.db.InTx(begun, func(ctx context.Context) error {
		fresh, err := i.remember(ctx, subscriber, e)
		if err != nil {
			return err
		}
		if !fresh {
			return i.confirm(ctx, e)
		}
		if err := i.early(ctx, subscriber, e); err != nil {
			return err
		}
		behind, err := i.behind(ctx, subscriber, e)
		if err != nil {
			return err
		}
		if behind {
			return errors.Join(i.hand(ctx, subscriber, e, 0, nil), i.confirm(ctx, e))
		}
		if failure = h.handle(ctx, e); failure != nil {
			return failure
		}
		handled = true
		if err := i.db.Settle(restore(ctx, e)); err != nil {
			return err
		}
		return i.confirm(ctx, e)
	})
	if errors.Is(err, errEarly) {
		return i.resend(begun, e)
	}
	if err == nil {
		if handled {
			i.metrics.handled(subscriber, []item{{event: *e}})
		}
		return nil
	}
	if away(ctx, err) || failure == nil && !handled {
		return fmt.Errorf("receive %s for %s: %w", e.Topic, subscriber, err)
	}
	return i.giveUp(begun, subscriber, e, err)
}

// giveUp leaves an event that has failed to the relay.
func (i *Inbox) giveUp(ctx context.Context, subscriber string, e *event.Envelope, cause error) error {
	err := i.db.InTx(ctx, func(ctx context.Context) (err error) {
		fresh, err := i.remember(ctx, subscriber, e)
		if err != nil || !fresh {
			return err
		}
		return errors.Join(i.hand(ctx, subscriber, e, 1, cause), i.confirm(ctx, e))
	})
	if err != nil {
		return fmt.Errorf("note that event %s failed: %w", e.ID, err)
	}
	state, _ := verdict(i.cfg, 1, cause)
	i.report(subscriber, e, 1, state, cause)
	return nil
}

// remember marks e as handled. It is not fresh when it was marked before.
func (i *Inbox) remember(ctx context.Context, subscriber string, e *event.Envelope) (fresh bool, err error) {
	n, err := exec(ctx, i.db, `INSERT INTO outbox_inbox (id) VALUES ($1) ON CONFLICT DO NOTHING`, e.ID.String()+"/"+subscriber)
	if err != nil {
		return false, fmt.Errorf("mark event %s: %w", e.ID, err)
	}
	return n == 1, nil
}

// behind tells whether the relay has still to deliver an earlier event with the same key. It is asked in one statement,
// which sees one state of the table: between two of them the relay may turn what waits into what is ready.
func (i *Inbox) behind(ctx context.Context, subscriber string, e *event.Envelope) (behind bool, err error) {
	if e.Key == "" {
		return false, nil
	}
	const earlier = ` FROM outbox_deliveries WHERE subscriber = $1 AND lane = $2 AND tenant_id = $3 AND key = $4 AND state = `
	err = query(ctx, i.db, func(*entsql.Rows) error { behind = true; return nil },
		`SELECT 1`+earlier+`0 UNION ALL SELECT 1`+earlier+`1 LIMIT 1`, subscriber, laneOf(e), e.Tenant, e.Key)
	if err != nil {
		return false, fmt.Errorf("look for what is before event %s: %w", e.ID, err)
	}
	return behind, nil
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
