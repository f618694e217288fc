// Package audit lets people read the audit trail of their tenant.
package audit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/audit/internal/api"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/page"
)

type handler struct {
	trail    audit.Trail
	exporter audit.Exporter
	recorder audit.Recorder
}

func newHandler(trail audit.Trail, exporter audit.Exporter, recorder audit.Recorder) api.StrictServerInterface {
	return &handler{trail: trail, exporter: exporter, recorder: recorder}
}

func (h *handler) ListAuditEvents(ctx context.Context, r api.ListAuditEventsRequestObject) (api.ListAuditEventsResponseObject, error) {
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	rows, err := h.trail.Events(ctx, audit.Filter{
		Actor:      value(r.Params.Actor),
		Permission: value(r.Params.Permission),
		Target:     value(r.Params.Target),
		Outcome:    audit.Outcome(value(r.Params.Outcome)),
		From:       value(r.Params.From),
		To:         value(r.Params.To),
		RequestID:  value(r.Params.RequestID),
		Before:     before,
		Limit:      size + 1,
	})
	if err != nil {
		return nil, err
	}
	events, next := page.Cut(rows, size, func(e audit.Event) uuid.UUID { return e.ID })
	items := make([]api.Event, len(events))
	for i, e := range events {
		items[i] = toEvent(e)
	}
	return api.ListAuditEvents200JSONResponse{Items: items, NextCursor: next}, nil
}

// value is the zero one of a parameter that was not given.
func value[T string | time.Time | uuid.UUID | api.Outcome](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func toEvent(e audit.Event) api.Event {
	out := api.Event{
		ID:         e.ID,
		Time:       e.Time,
		Permission: e.Permission,
		Target:     e.Target,
		Outcome:    api.Outcome(e.Outcome),
		IP:         e.IP,
		RequestID:  e.RequestID,
		Changes:    make([]api.Change, len(e.Changes)),
	}
	for i, c := range e.Changes {
		out.Changes[i] = toChange(c)
	}
	if e.Actor != uuid.Nil {
		out.Actor = &e.Actor
	}
	return out
}

func toChange(c audit.Change) api.Change {
	out := api.Change{Entity: c.Entity, ID: c.ID, Action: api.ChangeAction(c.Action), Fields: map[string]api.FieldChange{}}
	for name, f := range c.Fields {
		field := api.FieldChange{Before: f.Before, After: f.After}
		if f.Shortened {
			field.Shortened = &f.Shortened
		}
		out.Fields[name] = field
	}
	return out
}
