package outbox

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/event"
)

// arrivals is what the database knows of events of one tenant and topic that have come for a subscriber.
type arrivals struct {
	subscriber string
	fresh      map[uuid.UUID]bool // those that have not been handled
	punctual   int                // so many from the first one on have not come before an earlier one of their key
	behind     map[string]bool    // the keys of which the relay has still to deliver earlier ones
}

// look marks the events as handled, and asks about them. It is ErrEarly when the first one has come too early.
func (i *Inbox) look(ctx context.Context, subscriber string, events []*event.Envelope) (a arrivals, err error) {
	a.subscriber = subscriber
	if a.fresh, err = i.remember(ctx, subscriber, events); err != nil {
		return a, err
	}
	if a.punctual, err = i.punctual(ctx, a, events); err != nil {
		return a, err
	}
	if a.punctual == 0 {
		return a, ErrEarly
	}
	a.behind, err = i.behind(ctx, subscriber, events[:a.punctual])
	return a, err
}

func mark(subscriber string, e *event.Envelope) string { return e.ID.String() + "/" + subscriber }

// remember marks events as handled, and returns those that were not marked before. Everybody marks them in one order, so
// that none waits for one who waits for it.
func (i *Inbox) remember(ctx context.Context, subscriber string, events []*event.Envelope) (map[uuid.UUID]bool, error) {
	marked := map[string]uuid.UUID{}
	for _, e := range events {
		marked[mark(subscriber, e)] = e.ID
	}
	names := make([]string, 0, len(marked))
	for name := range marked {
		names = append(names, name)
	}
	slices.Sort(names)
	values, args := `SELECT unnest($1::text[])`, []any{names}
	if i.db.Dialect() == dialect.SQLite {
		values, args = `VALUES (`+marks(1, 1)+`)`, []any{names[0]}
		for n, name := range names[1:] {
			values, args = values+`, (`+marks(n+2, 1)+`)`, append(args, name)
		}
	}
	fresh := map[uuid.UUID]bool{}
	err := query(ctx, i.db, func(rows *entsql.Rows) error {
		var name string
		err := rows.Scan(&name)
		fresh[marked[name]] = true
		return err
	}, `INSERT INTO outbox_inbox (id) `+values+` ON CONFLICT DO NOTHING RETURNING id`, args...)
	if err != nil {
		return nil, fmt.Errorf("mark %d events: %w", len(events), err)
	}
	return fresh, nil
}

// forget takes back the marks of events that were not handled after all.
func (i *Inbox) forget(ctx context.Context, a arrivals, events []*event.Envelope) error {
	var names []any
	for _, e := range events {
		if a.fresh[e.ID] {
			names = append(names, mark(a.subscriber, e))
		}
	}
	if len(names) == 0 {
		return nil
	}
	if _, err := exec(ctx, i.db, `DELETE FROM outbox_inbox WHERE id IN (`+marks(1, len(names))+`)`, names...); err != nil {
		return fmt.Errorf("take back the marks of %d events: %w", len(names), err)
	}
	return nil
}

// punctual is how many of the events, from the first one on, have not come too early: an event before them with the same
// key is with the broker, or on the way there, and this subscriber has not marked it, so the broker has lost it, or has
// mixed up the order. It is asked in one statement, which sees one state of the table. The marks of the events
// themselves count there, so their own order is looked at besides.
func (i *Inbox) punctual(ctx context.Context, a arrivals, events []*event.Envelope) (int, error) {
	var keyed []*event.Envelope
	for _, e := range events {
		if e.Key != "" && a.fresh[e.ID] {
			keyed = append(keyed, e)
		}
	}
	if len(keyed) == 0 {
		return len(events), nil
	}
	const unmarked = `EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.subscriber = $1 AND d.lane = outbox_deliveries.lane
	AND d.tenant_id = outbox_deliveries.tenant_id AND d.key = outbox_deliveries.key AND d.id < outbox_deliveries.id
	AND NOT EXISTS (SELECT 1 FROM outbox_inbox WHERE outbox_inbox.id = CAST(d.event_id AS text) || $2) AND d.state`
	among, args := eventsIn(i.db, []any{brokered(i.cfg.Broker(), events[0].Topic), "/" + a.subscriber}, keyed)
	places, early := map[uuid.UUID]int64{}, map[uuid.UUID]bool{}
	err := query(ctx, i.db, func(rows *entsql.Rows) error {
		var id uuid.UUID
		var place, missing int64
		err := rows.Scan(&id, &place, &missing)
		places[id], early[id] = place, missing > 0
		return err
	}, `SELECT event_id, id, CASE WHEN `+unmarked+` = 0) OR `+unmarked+` >= 3 AND d.state = 3) OR `+unmarked+` >= 3 AND d.state = 4) THEN 1 ELSE 0 END
FROM outbox_deliveries WHERE subscriber = $1 AND `+among, args...)
	if err != nil {
		return 0, fmt.Errorf("look for what goes before %d events: %w", len(events), err)
	}
	n, least := len(events), map[string]int64{}
	for at := len(events) - 1; at >= 0; at-- {
		e := events[at]
		place, known := places[e.ID]
		if !known {
			continue
		}
		later, more := least[e.Key]
		if early[e.ID] || more && later < place {
			n = at
		}
		if !more || place < later {
			least[e.Key] = place
		}
	}
	return n, nil
}

// behind tells of which keys the relay has still to deliver earlier events. It is asked in one statement, which sees one
// state of the table: between two of them the relay may turn what waits into what is ready.
func (i *Inbox) behind(ctx context.Context, subscriber string, events []*event.Envelope) (map[string]bool, error) {
	keys := map[string]bool{}
	var names []string
	for _, e := range events {
		if e.Key != "" && !keys[e.Key] {
			keys[e.Key] = true
			names = append(names, e.Key)
		}
	}
	behind := map[string]bool{}
	if len(names) == 0 {
		return behind, nil
	}
	among, args := anyOf(i.db, []any{subscriber, events[0].Tenant}, names)
	earlier := `SELECT key FROM outbox_deliveries WHERE subscriber = $1 AND tenant_id = $2 AND key ` + among + ` AND state = `
	err := query(ctx, i.db, func(rows *entsql.Rows) error {
		var name string
		err := rows.Scan(&name)
		behind[name] = true
		return err
	}, earlier+`0 UNION `+earlier+`1`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for what is before %d events: %w", len(events), err)
	}
	return behind, nil
}

// eventsIn is a condition that an event_id is one of these, with its arguments behind args.
func eventsIn(db dialect.Driver, args []any, events []*event.Envelope) (string, []any) {
	among, args := anyOf(db, args, database.Array(events, func(e *event.Envelope) uuid.UUID { return e.ID }))
	return "event_id " + among, args
}

// anyOf is a condition like oneOf, with its arguments behind args.
func anyOf[T any](db dialect.Driver, args []any, values []T) (string, []any) {
	if db.Dialect() == dialect.Postgres {
		return fmt.Sprintf("= ANY($%d)", len(args)+1), append(args, values)
	}
	among := "IN (" + marks(len(args)+1, len(values)) + ")"
	for _, v := range values {
		args = append(args, v)
	}
	return among, args
}
