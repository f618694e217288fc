package ops

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) ListOpsEvents(ctx context.Context, r api.ListOpsEventsRequestObject) (api.ListOpsEventsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	f := event.Filter{Before: before, Limit: size + 1}
	if r.Params.Topic != nil {
		f.Topic = *r.Params.Topic
	}
	if r.Params.TenantID != nil {
		f.Tenant = *r.Params.TenantID
	}
	rows, err := h.events.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	events, next := page.Cut(rows, size, func(e event.Envelope) uuid.UUID { return e.ID })
	items := make([]api.Event, len(events))
	for i, e := range events {
		items[i] = toEvent(e)
	}
	return api.ListOpsEvents200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) GetOpsEvent(ctx context.Context, r api.GetOpsEventRequestObject) (api.GetOpsEventResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	e, left, err := h.events.Event(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	var data any
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return nil, fmt.Errorf("decode event %s: %w", e.ID, err)
	}
	details := api.EventDetails{Event: toEvent(e), Data: data, Deliveries: toDeliveries(left)}
	tag, err := web.Digest(details)
	return api.GetOpsEvent200JSONResponse{Body: details, Headers: api.GetOpsEvent200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) ListOpsParkedEvents(ctx context.Context, r api.ListOpsParkedEventsRequestObject) (api.ListOpsParkedEventsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	after := ""
	if r.Params.Cursor != nil {
		after = *r.Params.Cursor
	}
	size := page.Size(r.Params.Limit)
	rows, err := h.events.Parked(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	var next *string
	if len(rows) > size {
		rows = rows[:size]
		next = &rows[size-1].Cursor
	}
	return api.ListOpsParkedEvents200JSONResponse{Items: toDeliveries(rows), NextCursor: next}, nil
}

func (h *handler) ReplayOpsEvent(ctx context.Context, r api.ReplayOpsEventRequestObject) (api.ReplayOpsEventResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	subscriber := ""
	if r.Body.Subscriber != nil {
		subscriber = *r.Body.Subscriber
	}
	n, err := h.events.Replay(ctx, r.ID, subscriber)
	if err != nil {
		return nil, err
	}
	return api.ReplayOpsEvent200JSONResponse{Deliveries: n}, nil
}

func toEvent(e event.Envelope) api.Event {
	return api.Event{
		ID: e.ID, Topic: e.Topic, Version: e.Version, Key: e.Key, TenantID: optional(e.Tenant), ActorID: optional(e.Actor),
		RequestID: e.RequestID, Trace: e.Trace, Time: e.Time,
	}
}

func toDeliveries(rows []event.Delivery) []api.Delivery {
	items := make([]api.Delivery, len(rows))
	for i, d := range rows {
		items[i] = api.Delivery{
			EventID: d.Event, Topic: d.Topic, TenantID: optional(d.Tenant), Subscriber: d.Subscriber, State: api.DeliveryState(d.State),
			Attempts: d.Attempts, Error: d.Error, ChangedAt: d.Changed,
		}
		if !d.Next.IsZero() {
			items[i].NextAt = &rows[i].Next
		}
	}
	return items
}
