package ops

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) ListOpsNotifications(ctx context.Context, r api.ListOpsNotificationsRequestObject) (api.ListOpsNotificationsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	f := notify.ReceiptFilter{Before: before, Limit: size + 1}
	if r.Params.State != nil {
		f.State = string(*r.Params.State)
	}
	if r.Params.TenantID != nil {
		f.Tenant = *r.Params.TenantID
	}
	rows, err := h.notifications.Receipts(ctx, f)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(rows, size, func(r notify.Receipt) uuid.UUID { return r.ID })
	items := make([]api.Receipt, len(list))
	for i, one := range list {
		items[i] = toReceipt(one)
	}
	return api.ListOpsNotifications200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) GetOpsNotification(ctx context.Context, r api.GetOpsNotificationRequestObject) (api.GetOpsNotificationResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	receipt, err := h.notifications.Receipt(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	shown := toReceipt(receipt)
	tag, err := web.Digest(shown)
	return api.GetOpsNotification200JSONResponse{Body: shown, Headers: api.GetOpsNotification200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) ListOpsChannels(ctx context.Context, _ api.ListOpsChannelsRequestObject) (api.ListOpsChannelsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	all, err := h.notifications.Health(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]api.Channel, len(all))
	for i, c := range all {
		items[i] = api.Channel{
			Name: c.Name, Configured: c.Configured, Attempts: c.Attempts, Failures: c.Failures,
			LastSuccessAt: happened(c.LastSuccess), LastFailureAt: happened(c.LastFailure), LastError: c.LastError,
		}
		if c.Attempts > 0 {
			items[i].FailureRate = float64(c.Failures) / float64(c.Attempts)
		}
	}
	return api.ListOpsChannels200JSONResponse{Items: items}, nil
}

func toReceipt(r notify.Receipt) api.Receipt {
	out := api.Receipt{
		ID: r.ID, TenantID: optional(r.Tenant), UserID: optional(r.User), Template: r.Template, Category: r.Category, Locale: r.Locale,
		CreatedAt: r.Created, ExpiresAt: r.Expires, Deliveries: make([]api.NotificationDelivery, len(r.Deliveries)),
	}
	for i, d := range r.Deliveries {
		out.Deliveries[i] = api.NotificationDelivery{
			ID: d.ID, Channels: d.Channels, Channel: d.Channel, State: api.NotificationState(d.State), Why: d.Why, ProviderID: d.ProviderID,
			DueAt: d.Due, ChangedAt: d.Changed, Attempts: make([]api.NotificationAttempt, len(d.Attempts)),
		}
		for j, a := range d.Attempts {
			out.Deliveries[i].Attempts[j] = api.NotificationAttempt{
				Channel: a.Channel, State: api.NotificationState(a.State), Why: a.Why, Permanent: a.Permanent, ProviderID: a.ProviderID, Time: a.Time,
			}
		}
	}
	return out
}

// happened is nil for the zero time.
func happened(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
