// Package notifications lets people see what they were told and choose about it, and tenants what it says. What it
// translates to HTTP is decided in the core, behind pkg/notify.
package notifications

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/notifications/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/page"
)

type handler struct {
	messages    notify.Messages
	preferences notify.Preferring
	catalog     notify.Catalog
}

func newHandler(m notify.Messages, p notify.Preferring, c notify.Catalog) api.StrictServerInterface {
	return &handler{messages: m, preferences: p, catalog: c}
}

// me is the caller, who is somebody: the contract says so.
func me(ctx context.Context) uuid.UUID {
	c, _ := auth.FromContext(ctx)
	return c.UserID
}

func (h *handler) ListMyNotifications(ctx context.Context, r api.ListMyNotificationsRequestObject) (api.ListMyNotificationsResponseObject, error) {
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	rows, err := h.messages.List(ctx, me(ctx), notify.MessageFilter{
		Unread: set(r.Params.Unread), Archived: set(r.Params.Archived), Before: before, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(rows, size, func(m notify.Message) uuid.UUID { return m.ID })
	items := make([]api.MyNotification, len(list))
	for i, m := range list {
		items[i] = toMessage(m)
	}
	return api.ListMyNotifications200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CountMyUnreadNotifications(ctx context.Context, _ api.CountMyUnreadNotificationsRequestObject) (api.CountMyUnreadNotificationsResponseObject, error) {
	n, err := h.messages.Unread(ctx, me(ctx))
	if err != nil {
		return nil, err
	}
	return api.CountMyUnreadNotifications200JSONResponse{Unread: n}, nil
}

func (h *handler) ReadAllMyNotifications(ctx context.Context, _ api.ReadAllMyNotificationsRequestObject) (api.ReadAllMyNotificationsResponseObject, error) {
	n, err := h.messages.ReadAll(ctx, me(ctx))
	if err != nil {
		return nil, err
	}
	return api.ReadAllMyNotifications200JSONResponse{Marked: n}, nil
}

func (h *handler) UpdateMyNotification(ctx context.Context, r api.UpdateMyNotificationRequestObject) (api.UpdateMyNotificationResponseObject, error) {
	var m notify.Message
	var err error
	if r.Body.Read != nil {
		m, err = h.messages.Read(ctx, me(ctx), r.ID, *r.Body.Read)
	}
	if err == nil && r.Body.Archived != nil {
		m, err = h.messages.Archive(ctx, me(ctx), r.ID, *r.Body.Archived)
	}
	if err != nil {
		return nil, err
	}
	return api.UpdateMyNotification200JSONResponse(toMessage(m)), nil
}

func toMessage(m notify.Message) api.MyNotification {
	return api.MyNotification{
		ID: m.ID, Template: m.Template, Category: m.Category, Subject: m.Subject, Text: m.Text,
		CreatedAt: m.Created, ReadAt: m.Read, ArchivedAt: m.Archived,
	}
}

// set is whether an optional parameter is there and true.
func set(p *bool) bool { return p != nil && *p }
