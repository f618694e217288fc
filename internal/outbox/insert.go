package outbox

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/outbox/ent"
	"github.com/yourorg/platform/pkg/event"
)

// due is an event that is to be delivered somewhere.
type due struct {
	event *event.Envelope
	to    string
}

// insertRows writes events and deliveries on SQLite.
func (o *Outbox) insertRows(ctx context.Context, events []*event.Envelope, todo []due) error {
	rows := make([]*ent.EventCreate, len(events))
	for i, e := range events {
		rows[i] = o.row(e)
	}
	if err := o.client.Event.CreateBulk(rows...).Exec(ctx); err != nil {
		return err
	}
	for part := range slices.Chunk(todo, maxInsert) {
		rows := make([]*ent.DeliveryCreate, len(part))
		for i, d := range part {
			rows[i] = o.delivery(d.event, d.to)
		}
		if err := o.client.Delivery.CreateBulk(rows...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) row(e *event.Envelope) *ent.EventCreate {
	return o.client.Event.Create().SetID(e.ID).SetTenantID(e.Tenant).SetTopic(e.Topic).SetVersion(e.Version).SetKey(e.Key).
		SetActorID(e.Actor).SetRequestID(e.RequestID).SetTrace(e.Trace).SetData(string(e.Data)).SetCreatedAt(e.Time)
}

func (o *Outbox) delivery(e *event.Envelope, to string) *ent.DeliveryCreate {
	return o.client.Delivery.Create().SetEventID(e.ID).SetTenantID(e.Tenant).SetSubscriber(to).SetLane(laneOf(e)).SetKey(e.Key).
		SetState(stateReady).SetAttempts(0).SetNextMs(0).SetError("").SetChangedMs(e.Time.UnixMilli())
}

// keepArrays writes events and their deliveries, in the order of the arrays.
const keepArrays = `WITH kept AS (
	INSERT INTO outbox_events (id, tenant_id, topic, version, key, actor_id, request_id, trace, data, created_at)
	SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
)
INSERT INTO outbox_deliveries (event_id, tenant_id, subscriber, lane, key, changed_ms, state, attempts, next_ms, error)
SELECT event_id, tenant_id, subscriber, lane, key, changed_ms, 0, 0, 0, ''
FROM unnest($11::uuid[], $12::uuid[], $13::text[], $14::bigint[], $15::text[], $16::bigint[])
	WITH ORDINALITY AS todo (event_id, tenant_id, subscriber, lane, key, changed_ms, place)
ORDER BY place`

// insertArrays does the same on Postgres, in one statement.
func (o *Outbox) insertArrays(ctx context.Context, events []*event.Envelope, todo []due) error {
	_, err := exec(ctx, o.db, keepArrays,
		database.Array(events, func(e *event.Envelope) uuid.UUID { return e.ID }),
		database.Array(events, func(e *event.Envelope) uuid.UUID { return e.Tenant }),
		database.Array(events, func(e *event.Envelope) string { return e.Topic }),
		database.Array(events, func(e *event.Envelope) int64 { return int64(e.Version) }),
		database.Array(events, func(e *event.Envelope) string { return e.Key }),
		database.Array(events, func(e *event.Envelope) uuid.UUID { return e.Actor }),
		database.Array(events, func(e *event.Envelope) string { return e.RequestID }),
		database.Array(events, func(e *event.Envelope) string { return e.Trace }),
		database.Array(events, func(e *event.Envelope) string { return string(e.Data) }),
		database.Array(events, func(e *event.Envelope) time.Time { return e.Time }),
		database.Array(todo, func(d due) uuid.UUID { return d.event.ID }),
		database.Array(todo, func(d due) uuid.UUID { return d.event.Tenant }),
		database.Array(todo, func(d due) string { return d.to }),
		database.Array(todo, func(d due) int64 { return int64(laneOf(d.event)) }),
		database.Array(todo, func(d due) string { return d.event.Key }),
		database.Array(todo, func(d due) int64 { return d.event.Time.UnixMilli() }),
	)
	return err
}
