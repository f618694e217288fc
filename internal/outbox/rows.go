package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/event"
)

// The states of a delivery, as they are kept. The statements say them as numbers, which the partial indexes are made for.
const (
	stateReady = iota
	stateWaiting
	stateParked
	stateSent   // the broker has taken it
	stateShared // and some of its subscribers have handled it
)

var states = []string{event.Ready, event.Waiting, event.Parked, event.Sent, event.Sent}

// place is where deliveries of one tenant to one destination lie.
type place struct {
	lane   int
	tenant uuid.UUID
}

// item is a delivery that is ready, with its event.
type item struct {
	id       int64
	attempts int
	heldMs   int64 // when what goes before it is tried again; 0 when nothing does
	event    event.Envelope
}

// nextPlace finds the next lane behind one where something is ready, and whose turn it is in it: that of the tenant behind the
// one served there last, or else the first one's.
func nextPlace(ctx context.Context, db dialect.Driver, to string, behind int, served []uuid.UUID) (p place, found bool, err error) {
	before, turns := `($3 ->> (p.lane % $4))`, any(nil)
	if db.Dialect() == dialect.Postgres {
		before, turns = `(CAST($3 AS uuid[]))[p.lane % $4 + 1]`, served
	} else if turns, err = encoded(served); err != nil {
		return p, false, err
	}
	err = query(ctx, db, func(rows *entsql.Rows) error {
		found = true
		return rows.Scan(&p.lane, &p.tenant)
	}, `SELECT p.lane, COALESCE((SELECT tenant_id FROM outbox_deliveries WHERE subscriber = $1 AND state = 0 AND lane = p.lane
	AND tenant_id > `+before+` ORDER BY tenant_id LIMIT 1), p.tenant_id)
FROM (SELECT lane, tenant_id FROM outbox_deliveries WHERE subscriber = $1 AND state = 0 AND lane > $2
	ORDER BY lane, tenant_id LIMIT 1) AS p`, to, behind, turns, len(served))
	if err != nil {
		return p, false, fmt.Errorf("look for what is ready for %s: %w", to, err)
	}
	return p, found, nil
}

func encoded(ids []uuid.UUID) (string, error) {
	text, err := json.Marshal(ids)
	return string(text), err
}

// lockLane keeps the other replicas away from a lane until the end of the transaction. On SQLite the transaction itself
// does. ok is false when another one has it, unless this one is to wait.
func lockLane(ctx context.Context, db dialect.Driver, to string, lane int, wait bool) (ok bool, err error) {
	if db.Dialect() == dialect.SQLite {
		return true, nil
	}
	statement := `SELECT id FROM outbox_lanes WHERE id = $1 FOR UPDATE`
	if !wait {
		statement += ` SKIP LOCKED`
	}
	err = query(ctx, db, func(*entsql.Rows) error { ok = true; return nil }, statement, laneID(to, lane))
	if err != nil {
		return false, fmt.Errorf("lock lane %d of %s: %w", lane, to, err)
	}
	return ok, nil
}

func laneID(to string, lane int) string { return fmt.Sprintf("%s/%d", to, lane) }

// makeLanes makes the rows that are locked.
func makeLanes(ctx context.Context, db dialect.Driver, to string) error {
	values, args := make([]string, lanes), make([]any, lanes)
	for i := range lanes {
		values[i], args[i] = fmt.Sprintf("($%d)", i+1), laneID(to, i)
	}
	if err := db.Exec(ctx, `INSERT INTO outbox_lanes (id) VALUES `+strings.Join(values, ", ")+` ON CONFLICT DO NOTHING`, args, nil); err != nil {
		return fmt.Errorf("make the lanes of %s: %w", to, err)
	}
	return nil
}

// ready reads the oldest deliveries in a place, and keeps the other replicas away from its lane until the end of the
// transaction. There are none where another replica is at work. It may have been until just now: what it has dealt with is
// missing when it is to be marked as done.
func ready(ctx context.Context, db dialect.Driver, to string, at place, limit int) ([]item, error) {
	var items []item
	args, free := []any{to, at.lane, at.tenant, limit}, ``
	if db.Dialect() == dialect.Postgres {
		args, free = append(args, laneID(to, at.lane)), `(SELECT id FROM outbox_lanes WHERE id = $5 FOR UPDATE SKIP LOCKED) AS lane, `
	}
	err := query(ctx, db, func(rows *entsql.Rows) error {
		var i item
		var data string
		var held sql.NullInt64
		e := &i.event
		err := rows.Scan(&i.id, &i.attempts, &held, &e.ID, &e.Topic, &e.Version, &e.Key, &e.Tenant, &e.Actor, &e.RequestID, &e.Trace, &e.Time, &data)
		i.heldMs, e.Data, e.Time = held.Int64, []byte(data), e.Time.UTC()
		items = append(items, i)
		return err
	}, `SELECT d.id, d.attempts,
	(SELECT w.next_ms FROM outbox_deliveries w WHERE w.state = 1 AND w.subscriber = d.subscriber AND w.tenant_id = d.tenant_id
		AND w.key = d.key AND d.key <> '' AND w.id < d.id ORDER BY w.id LIMIT 1),
	e.id, e.topic, e.version, e.key, e.tenant_id, e.actor_id, e.request_id, e.trace, e.created_at, e.data
FROM `+free+`outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
WHERE d.subscriber = $1 AND d.state = 0 AND d.lane = $2 AND d.tenant_id = $3 ORDER BY d.id LIMIT $4`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is ready for %s: %w", to, err)
	}
	return items, nil
}

// done removes deliveries. One that is not there was handled by somebody else, which must not happen twice.
func done(ctx context.Context, db dialect.Driver, items []item) error {
	if len(items) == 0 {
		return nil
	}
	ids := make([]int64, len(items))
	for i := range items {
		ids[i] = items[i].id
	}
	among, args := oneOf(db, 1, ids)
	n, err := exec(ctx, db, `DELETE FROM outbox_deliveries WHERE id `+among+` AND state + 0 = 0`, args...)
	if err != nil {
		return fmt.Errorf("mark %d deliveries as done: %w", len(items), err)
	}
	if n != int64(len(items)) {
		return fmt.Errorf("mark %d deliveries as done: %w", len(items), errTaken)
	}
	return nil
}

// errTaken is why a batch is undone: another replica has been at it.
var errTaken = errors.New("some have been dealt with by another replica")

// hold puts deliveries behind the one of their key that waits.
func hold(ctx context.Context, db dialect.Driver, held []item) error {
	at := map[int64][]int64{}
	for _, i := range held {
		at[i.heldMs] = append(at[i.heldMs], i.id)
	}
	for ms, ids := range at {
		among, args := oneOf(db, 2, ids)
		_, err := exec(ctx, db, `UPDATE outbox_deliveries SET state = 1, next_ms = $1 WHERE state + 0 = 0 AND id `+among,
			append([]any{ms}, args...)...)
		if err != nil {
			return fmt.Errorf("hold %d deliveries: %w", len(ids), err)
		}
	}
	return nil
}

// dueLanes lists where something that has waited is due.
func dueLanes(ctx context.Context, db dialect.Driver, now time.Time) (due map[string][]int, err error) {
	due = map[string][]int{}
	err = query(ctx, db, func(rows *entsql.Rows) error {
		var to string
		var lane int
		err := rows.Scan(&to, &lane)
		due[to] = append(due[to], lane)
		return err
	}, `SELECT subscriber, lane FROM outbox_deliveries WHERE state = 1 AND next_ms <= $1
UNION SELECT subscriber, lane FROM outbox_deliveries WHERE state >= 3 AND next_ms <= $1`, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	return due, nil
}

// promote makes ready what is due in a lane, the oldest first.
func promote(ctx context.Context, db dialect.Driver, to string, lane int, now time.Time) (int64, error) {
	state := `state = 1`
	if !isSubscriber(to) {
		state = `state >= 3`
	}
	n, err := exec(ctx, db, `UPDATE outbox_deliveries SET state = 0 WHERE id IN (
	SELECT id FROM outbox_deliveries WHERE `+state+` AND next_ms <= $1 AND subscriber = $2 AND lane = $3 ORDER BY id LIMIT 1000`+locking(db)+`)`,
		now.UnixMilli(), to, lane)
	if err != nil {
		return 0, fmt.Errorf("try again what is due for %s: %w", to, err)
	}
	return n, nil
}

// query calls scan for each row.
func query(ctx context.Context, db dialect.Driver, scan func(*entsql.Rows) error, statement string, args ...any) error {
	var rows entsql.Rows
	if err := db.Query(ctx, statement, args, &rows); err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(&rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func exec(ctx context.Context, db dialect.Driver, statement string, args ...any) (int64, error) {
	var result entsql.Result
	if err := db.Exec(ctx, statement, args, &result); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// oneOf is a condition on ids whose first placeholder is $first, with its arguments. On Postgres it is one statement
// however many there are, so that it is prepared once. Conditions beside it say "state + 0": a plan that is made while the
// table is small would read the whole of a partial index on the state otherwise, instead of the few rows by their ids.
func oneOf(db dialect.Driver, first int, ids []int64) (string, []any) {
	if db.Dialect() == dialect.Postgres {
		return fmt.Sprintf("= ANY($%d)", first), []any{ids}
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return "IN (" + marks(first, len(ids)) + ")", args
}

// marks are n placeholders from $first on.
func marks(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(all, ", ")
}
