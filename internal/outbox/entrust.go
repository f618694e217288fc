package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// errEarly is why an event that came is not handled: one before it with the same key has not come.
var errEarly = errors.New("an earlier event of the same key is missing")

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

// confirm ends the delivery of e to the broker when all its subscribers have marked it.
func (i *Inbox) confirm(ctx context.Context, e *event.Envelope) error {
	to := brokered(i.cfg.Broker(), e.Topic)
	subscribers := i.topics.of(e.Topic)
	args := []any{e.ID, to}
	statement := `DELETE FROM outbox_deliveries WHERE event_id = $1 AND subscriber = $2 AND state <> 2`
	if len(subscribers) > 1 {
		// The update makes those who confirm the same event wait for each other: the last one sees the marks of all.
		_, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET state = 4 WHERE event_id = $1 AND subscriber = $2 AND state >= 3`, args...)
		if err != nil {
			return fmt.Errorf("confirm event %s: %w", e.ID, err)
		}
		for _, name := range subscribers {
			args = append(args, e.ID.String()+"/"+name)
		}
		statement += fmt.Sprintf(` AND (SELECT count(*) FROM outbox_inbox WHERE id IN (%s)) = %d`, marks(3, len(subscribers)), len(subscribers))
	}
	if _, err := exec(ctx, i.db, statement, args...); err != nil {
		return fmt.Errorf("confirm event %s: %w", e.ID, err)
	}
	tx.AfterCommit(ctx, func(context.Context) { i.signal.wake(to) })
	return nil
}

// early is errEarly when an event before e with the same key is with the broker, or on the way there, and this
// subscriber has not marked it: the broker has lost it, or has mixed up the order. It is asked in one statement, which
// sees one state of the table.
func (i *Inbox) early(ctx context.Context, subscriber string, e *event.Envelope) error {
	if e.Key == "" {
		return nil
	}
	const unmarked = `SELECT 1 FROM outbox_deliveries d WHERE d.subscriber = $1 AND d.lane = $2 AND d.tenant_id = $3 AND d.key = $4
	AND d.id < (SELECT own.id FROM outbox_deliveries own WHERE own.event_id = $5 AND own.subscriber = $1)
	AND NOT EXISTS (SELECT 1 FROM outbox_inbox WHERE outbox_inbox.id = CAST(d.event_id AS text) || $6) AND d.state`
	missing := false
	err := query(ctx, i.db, func(*entsql.Rows) error { missing = true; return nil }, unmarked+` = 0
UNION ALL `+unmarked+` >= 3 AND d.state = 3 UNION ALL `+unmarked+` >= 3 AND d.state = 4 LIMIT 1`,
		brokered(i.cfg.Broker(), e.Topic), laneOf(e), e.Tenant, e.Key, e.ID, "/"+subscriber)
	if err != nil {
		return fmt.Errorf("look for what goes before event %s: %w", e.ID, err)
	}
	if missing {
		return errEarly
	}
	return nil
}

// resend sends again what the broker holds of the key of e, in order. e itself may have come before the relay has noted
// that it was sent: counting another attempt keeps the relay from noting it, since nobody would send it for a long time.
func (i *Inbox) resend(ctx context.Context, e *event.Envelope) error {
	to := brokered(i.cfg.Broker(), e.Topic)
	_, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET attempts = attempts + 1 WHERE event_id = $1 AND subscriber = $2 AND state = 0`, e.ID, to)
	if err != nil {
		return fmt.Errorf("send event %s again: %w", e.ID, err)
	}
	n, err := exec(ctx, i.db, `UPDATE outbox_deliveries SET state = 0 WHERE state >= 3 AND subscriber = $1 AND tenant_id = $2 AND key = $3`,
		to, e.Tenant, e.Key)
	if err != nil {
		return fmt.Errorf("send again what goes before event %s: %w", e.ID, err)
	}
	if n > 0 {
		i.signal.wake(to)
	}
	return nil
}
