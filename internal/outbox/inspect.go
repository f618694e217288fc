package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/outbox/ent"
	entdelivery "github.com/yourorg/platform/internal/outbox/ent/delivery"
	entevent "github.com/yourorg/platform/internal/outbox/ent/event"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Inspector implements event.Inspector.
type Inspector struct{ *Outbox }

var _ event.Inspector = (*Inspector)(nil)

const inspecting = "inspection of events"

// Events implements event.Inspector.
func (i *Inspector) Events(ctx context.Context, f event.Filter) ([]event.Envelope, error) {
	q := i.client.Event.Query().Order(ent.Desc(entevent.FieldID)).Limit(max(1, f.Limit))
	if f.Topic != "" {
		q.Where(entevent.Topic(f.Topic))
	}
	if f.Tenant != uuid.Nil {
		q.Where(entevent.TenantID(f.Tenant))
	}
	if f.Before != uuid.Nil {
		q.Where(entevent.IDLT(f.Before))
	}
	rows, err := q.All(tenant.System(ctx, inspecting))
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	all := make([]event.Envelope, len(rows))
	for n, row := range rows {
		all[n] = envelopeOf(row)
	}
	return all, nil
}

func envelopeOf(row *ent.Event) event.Envelope {
	return event.Envelope{
		ID: row.ID, Topic: row.Topic, Version: row.Version, Key: row.Key, Tenant: row.TenantID, Actor: row.ActorID,
		RequestID: row.RequestID, Trace: row.Trace, Time: row.CreatedAt.UTC(), Data: json.RawMessage(row.Data),
	}
}

// Event implements event.Inspector.
func (i *Inspector) Event(ctx context.Context, id uuid.UUID) (event.Envelope, []event.Delivery, error) {
	ctx = tenant.System(ctx, inspecting)
	row, err := i.client.Event.Get(ctx, id)
	if ent.IsNotFound(err) {
		return event.Envelope{}, nil, event.ErrNotFound.Wrap(err)
	}
	if err != nil {
		return event.Envelope{}, nil, fmt.Errorf("look up event %s: %w", id, err)
	}
	rows, err := i.client.Delivery.Query().Where(entdelivery.EventID(id)).Order(ent.Asc(entdelivery.FieldSubscriber)).All(ctx)
	if err != nil {
		return event.Envelope{}, nil, fmt.Errorf("look up the deliveries of event %s: %w", id, err)
	}
	e := envelopeOf(row)
	left := make([]event.Delivery, len(rows))
	for n, d := range rows {
		left[n] = deliveryOf(d, e.Topic)
	}
	return e, left, nil
}

func deliveryOf(row *ent.Delivery, topic string) event.Delivery {
	d := event.Delivery{
		Event: row.EventID, Topic: topic, Tenant: row.TenantID, Key: row.Key, Subscriber: row.Subscriber, State: states[row.State],
		Attempts: row.Attempts, Error: row.Error, Changed: time.UnixMilli(row.ChangedMs).UTC(), Cursor: strconv.FormatInt(row.ID, 10),
	}
	if row.State == stateWaiting {
		d.Next = time.UnixMilli(row.NextMs).UTC()
	}
	return d
}

// Parked implements event.Inspector.
func (i *Inspector) Parked(ctx context.Context, after string, limit int) ([]event.Delivery, error) {
	ctx = tenant.System(ctx, inspecting)
	q := i.client.Delivery.Query().Where(entdelivery.State(stateParked)).Order(ent.Asc(entdelivery.FieldID)).Limit(max(1, limit))
	if after != "" {
		id, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return nil, page.ErrCursor.Wrap(err)
		}
		q.Where(entdelivery.IDGT(id))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	topics, err := i.topicsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	all := make([]event.Delivery, len(rows))
	for n, row := range rows {
		all[n] = deliveryOf(row, topics[row.EventID])
	}
	return all, nil
}

func (i *Inspector) topicsOf(ctx context.Context, rows []*ent.Delivery) (map[uuid.UUID]string, error) {
	ids := make([]uuid.UUID, len(rows))
	for n, row := range rows {
		ids[n] = row.EventID
	}
	events, err := i.client.Event.Query().Where(entevent.IDIn(ids...)).Select(entevent.FieldID, entevent.FieldTopic).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up the topics of parked events: %w", err)
	}
	topics := map[uuid.UUID]string{}
	for _, e := range events {
		topics[e.ID] = e.Topic
	}
	return topics, nil
}

// Backlog implements event.Inspector.
func (i *Inspector) Backlog(ctx context.Context) ([]event.Backlog, error) {
	found, err := i.backlog(ctx)
	all := make([]event.Backlog, len(found))
	for n, b := range found {
		all[n] = event.Backlog{To: b.to, State: states[b.state], Count: b.count, Oldest: b.since.UTC()}
	}
	return all, err
}

// Replay implements event.Inspector. A delivery that is on its way already stays as it is: it will be handled anyway.
func (i *Inspector) Replay(ctx context.Context, id uuid.UUID, subscriber string) (replayed int, err error) {
	err = i.db.InTx(ctx, func(ctx context.Context) error {
		within := tenant.System(ctx, "replay of events")
		row, err := i.client.Event.Get(within, id)
		if ent.IsNotFound(err) {
			return event.ErrNotFound.Wrap(err)
		}
		if err != nil {
			return err
		}
		parked := i.client.Delivery.Update().Where(entdelivery.EventID(id), entdelivery.StateNEQ(stateReady)).
			SetState(stateReady).SetAttempts(0).SetNextMs(0).SetChangedMs(time.Now().UnixMilli())
		if subscriber == "" {
			replayed, err = parked.Where(entdelivery.State(stateParked)).Save(within)
			tx.AfterCommit(ctx, func(context.Context) { i.signal.all(); poke(i.signal.due) })
			return err
		}
		if s := i.topics.subscribers[subscriber]; s == nil || s.on[row.Topic].Handle == nil {
			return event.ErrNoSubscriber.Detailf("%s does not subscribe to %s.", subscriber, row.Topic)
		}
		if replayed, err = parked.Where(entdelivery.Subscriber(subscriber)).Save(within); err != nil {
			return err
		}
		if replayed == 0 {
			if replayed, err = i.again(within, envelopeOf(row), subscriber); err != nil {
				return err
			}
		}
		tx.AfterCommit(ctx, func(context.Context) { i.signal.raise(map[string]bool{subscriber: true}) })
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay event %s: %w", id, err)
	}
	return replayed, nil
}

// again delivers an event that was handled, unless it is on its way.
func (i *Inspector) again(ctx context.Context, e event.Envelope, subscriber string) (int, error) {
	there, err := i.client.Delivery.Query().Where(entdelivery.EventID(e.ID), entdelivery.Subscriber(subscriber)).Exist(ctx)
	if err != nil || there {
		return 0, err
	}
	return 1, i.delivery(&e, subscriber).SetChangedMs(time.Now().UnixMilli()).Exec(ctx)
}
