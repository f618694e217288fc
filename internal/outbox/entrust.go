package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// A broker may lose what it has taken: Redis its memory, a queue its disk. So the delivery to the broker stays until
// every subscriber has marked the event in its inbox, and is sent again when that takes too long.

const (
	turns         = 8 // so many turns of tenants fill the window of a broker
	resendDoubles = 2 // the pause between two sendings grows to four times events.resend_after: no more than a window is sent again
)

// ErrEarly is why an event that came is not handled: one before it with the same key has not been. Either another replica
// is at it, or the broker has lost it, and has to be sent it again: see Resend.
var ErrEarly = errors.New("an earlier event of the same key is missing")

// room is how many events may be sent to a topic in one turn. It is zero while the broker holds as many as it may.
func (o *Outbox) room(ctx context.Context, to string) (int, error) {
	held := 0
	err := query(tenant.System(ctx, "outbox"), o.db, func(rows *entsql.Rows) error { return rows.Scan(&held) },
		`SELECT count(*) FROM (SELECT 1 FROM outbox_deliveries WHERE state >= 3 AND state = 3 AND subscriber = $1 LIMIT $2) held`,
		to, o.cfg.BrokerWindow)
	if err != nil {
		return 0, fmt.Errorf("count what the broker holds of %s: %w", to, err)
	}
	return min(batchSize, max(1, o.cfg.BrokerWindow/turns), o.cfg.BrokerWindow-held), nil
}

// entrusted notes that the broker has taken events. What nobody subscribes to is done with that; what has been handled in
// the meantime is no longer there; and what has come back too early in the meantime is sent again, see resend.
func (o *Outbox) entrusted(ctx context.Context, items []item) error {
	now := time.Now()
	sent := map[int][]int64{} // by how often that was tried before
	var over []int64
	for i := range items {
		if len(o.topics.of(items[i].event.Topic)) == 0 {
			over = append(over, items[i].id)
		} else {
			sent[items[i].attempts] = append(sent[items[i].attempts], items[i].id)
		}
	}
	if len(over) > 0 {
		among, args := oneOf(o.db, 1, over)
		if _, err := exec(ctx, o.db, `DELETE FROM outbox_deliveries WHERE id `+among, args...); err != nil {
			return fmt.Errorf("mark %d events as sent: %w", len(over), err)
		}
	}
	if err := o.lock(ctx, items); err != nil {
		return err
	}
	for before, ids := range sent {
		again := now.Add(o.cfg.ResendAfter << min(before, resendDoubles))
		among, args := oneOf(o.db, 4, ids)
		_, err := exec(ctx, o.db, `UPDATE outbox_deliveries SET state = 3, attempts = attempts + 1, next_ms = $1, changed_ms = $2
WHERE state + 0 = 0 AND attempts = $3 AND id `+among, append([]any{again.UnixMilli(), now.UnixMilli(), before}, args...)...)
		if err != nil {
			return fmt.Errorf("mark %d events as sent: %w", len(ids), err)
		}
	}
	return nil
}

// lock keeps the subscribers from items that are about to be changed.
func (o *Outbox) lock(ctx context.Context, items []item) error {
	if o.db.Dialect() != dialect.Postgres || len(items) < 2 {
		return nil
	}
	ids := make([]int64, len(items))
	for i := range items {
		ids[i] = items[i].id
	}
	among, args := oneOf(o.db, 1, ids)
	err := query(ctx, o.db, func(*entsql.Rows) error { return nil }, `SELECT id FROM outbox_deliveries WHERE id `+among+` ORDER BY id`+locking(o.db), args...)
	if err != nil {
		return fmt.Errorf("lock %d deliveries: %w", len(ids), err)
	}
	return nil
}

// confirm ends the deliveries of events of one topic to the broker that all its subscribers have marked.
func (i *Inbox) confirm(ctx context.Context, events []*event.Envelope) error {
	if len(events) == 0 {
		return nil
	}
	to := brokered(i.cfg.Broker(), events[0].Topic)
	ids, err := i.entrustedIDs(ctx, to, events)
	if err != nil {
		return err
	}
	tx.AfterCommit(ctx, func(context.Context) { i.signal.wake(to) })
	if len(ids) == 0 {
		return nil
	}
	among, args := oneOf(i.db, 1, ids)
	statement := `DELETE FROM outbox_deliveries WHERE state + 0 <> 2 AND id ` + among
	if subscribers := i.topics.of(events[0].Topic); len(subscribers) > 1 {
		if _, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET state = 4 WHERE state + 0 >= 3 AND id `+among, args...); err != nil {
			return fmt.Errorf("confirm %d events: %w", len(ids), err)
		}
		marked := make([]string, len(subscribers))
		for n, name := range subscribers {
			args = append(args, "/"+name)
			marked[n] = fmt.Sprintf("CAST(event_id AS text) || $%d", len(args))
		}
		statement += fmt.Sprintf(` AND (SELECT count(*) FROM outbox_inbox WHERE outbox_inbox.id IN (%s)) = %d`, strings.Join(marked, ", "), len(subscribers))
	}
	if _, err := exec(ctx, i.db, statement, args...); err != nil {
		return fmt.Errorf("confirm %d events: %w", len(ids), err)
	}
	return nil
}

// entrustedIDs are the deliveries of events to the broker, and locks them. So those who confirm the same event wait for
// each other, and the last one sees the marks of all.
func (i *Inbox) entrustedIDs(ctx context.Context, to string, events []*event.Envelope) (ids []int64, err error) {
	among, args := eventsIn(i.db, []any{to}, events)
	err = query(ctx, i.db, func(rows *entsql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM outbox_deliveries WHERE subscriber = $1 AND `+among+` ORDER BY id`+locking(i.db), args...)
	if err != nil {
		return nil, fmt.Errorf("look for what the broker has been given: %w", err)
	}
	return ids, nil
}

// locking ends a statement that chooses rows by their id to change them. All who change several do so in that order, so
// that none waits for one who waits for it. On SQLite there is one at a time anyway.
func locking(db dialect.Driver) string {
	if db.Dialect() == dialect.Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Resend sends again what the broker holds of the key of e, in order. e itself may have come before the relay has noted
// that it was sent: counting another attempt keeps the relay from noting it, since nobody would send it for a long time.
func (i *Inbox) Resend(ctx context.Context, e *event.Envelope) error {
	ctx = inside(ctx, e.Tenant)
	to := brokered(i.cfg.Broker(), e.Topic)
	_, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET attempts = attempts + 1 WHERE event_id = $1 AND subscriber = $2 AND state = 0`, e.ID, to)
	if err != nil {
		return fmt.Errorf("send event %s again: %w", e.ID, err)
	}
	n, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET state = 0 WHERE state + 0 >= 3 AND id IN (
	SELECT id FROM outbox_deliveries WHERE state >= 3 AND subscriber = $1 AND tenant_id = $2 AND key = $3 ORDER BY id`+locking(i.db)+`)`,
		to, e.Tenant, e.Key)
	if err != nil {
		return fmt.Errorf("send again what goes before event %s: %w", e.ID, err)
	}
	if n > 0 {
		i.signal.wake(to)
	}
	return nil
}
