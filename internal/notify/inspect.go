package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/internal/notify/ent"
	entattempt "github.com/yourorg/platform/internal/notify/ent/attempt"
	entdelivery "github.com/yourorg/platform/internal/notify/ent/delivery"
	entnotification "github.com/yourorg/platform/internal/notify/ent/notification"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

const inspecting = "inspection of notifications"

var _ notify.Inspector = (*Notifications)(nil)

// Receipt implements notify.Inspector.
func (n *Notifications) Receipt(ctx context.Context, id uuid.UUID) (notify.Receipt, error) {
	ctx = tenant.System(ctx, inspecting)
	row, err := n.client.Notification.Get(ctx, id)
	if ent.IsNotFound(err) {
		return notify.Receipt{}, notify.ErrNotFound.Wrap(err)
	}
	if err != nil {
		return notify.Receipt{}, fmt.Errorf("look up notification %s: %w", id, err)
	}
	all, err := n.receipts(ctx, []*ent.Notification{row})
	if err != nil {
		return notify.Receipt{}, err
	}
	for i := range all[0].Deliveries {
		d := &all[0].Deliveries[i]
		attempts, err := n.client.Attempt.Query().Where(entattempt.DeliveryID(d.ID)).Order(ent.Asc(entattempt.FieldID)).All(ctx)
		if err != nil {
			return notify.Receipt{}, fmt.Errorf("look up the attempts of delivery %s: %w", d.ID, err)
		}
		for _, a := range attempts {
			d.Attempts = append(d.Attempts, notify.Attempt{
				Channel: a.Channel, State: a.State, Why: a.Why, Permanent: a.Permanent, ProviderID: a.ProviderID, Time: a.CreatedAt.UTC(),
			})
		}
	}
	return all[0], nil
}

// Receipts implements notify.Inspector.
func (n *Notifications) Receipts(ctx context.Context, f notify.ReceiptFilter) ([]notify.Receipt, error) {
	ctx = tenant.System(ctx, inspecting)
	q := n.client.Notification.Query().Order(ent.Desc(entnotification.FieldID)).Limit(max(1, f.Limit))
	if f.Tenant != uuid.Nil {
		q.Where(entnotification.TenantID(f.Tenant))
	}
	if f.Before != uuid.Nil {
		q.Where(entnotification.IDLT(f.Before))
	}
	if f.State != "" {
		q.Where(func(s *entsql.Selector) {
			d := entsql.Table(entdelivery.Table)
			s.Where(entsql.Exists(entsql.Select(d.C(entdelivery.FieldID)).From(d).Where(entsql.And(
				entsql.ColumnsEQ(d.C(entdelivery.FieldNotificationID), s.C(entnotification.FieldID)), entsql.EQ(d.C(entdelivery.FieldState), f.State)))))
		})
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list notifications: %w", err)
	}
	return n.receipts(ctx, rows)
}

// receipts adds the ways that the notifications go.
func (n *Notifications) receipts(ctx context.Context, rows []*ent.Notification) ([]notify.Receipt, error) {
	all, ids, at := make([]notify.Receipt, len(rows)), make([]uuid.UUID, len(rows)), map[uuid.UUID]int{}
	for i, row := range rows {
		ids[i], at[row.ID] = row.ID, i
		all[i] = notify.Receipt{
			ID: row.ID, Tenant: row.TenantID, User: row.UserID, Template: row.Template, Category: row.Category, Locale: row.Locale,
			Created: row.CreatedAt.UTC(), Expires: row.ExpiresAt.UTC(),
		}
	}
	deliveries, err := n.client.Delivery.Query().Where(entdelivery.NotificationIDIn(ids...)).Order(ent.Asc(entdelivery.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up deliveries: %w", err)
	}
	for _, d := range deliveries {
		channels := strings.Split(d.Channels, "|")
		r := &all[at[d.NotificationID]]
		r.Deliveries = append(r.Deliveries, notify.Delivery{
			ID: d.ID, Channels: channels, Channel: channels[min(d.Position, len(channels)-1)], State: d.State, Why: d.Why,
			ProviderID: d.ProviderID, Due: d.DueAt.UTC(), Changed: d.ChangedAt.UTC(),
		})
	}
	return all, nil
}

// Health implements notify.Inspector.
func (n *Notifications) Health(ctx context.Context) ([]notify.ChannelHealth, error) {
	ctx = tenant.System(ctx, inspecting)
	var all []notify.ChannelHealth
	since := entattempt.CreatedAtGT(now().Add(-24 * time.Hour))
	for _, name := range n.channels.names() {
		h := notify.ChannelHealth{Name: name, Configured: n.channels.configured(name)}
		of := n.client.Attempt.Query().Where(entattempt.Channel(name), since)
		failed := of.Clone().Where(entattempt.State(notify.Failed))
		var err error
		if h.Attempts, err = of.Clone().Count(ctx); err == nil && h.Attempts > 0 {
			h.Failures, err = failed.Clone().Count(ctx)
		}
		if err == nil && h.Failures < h.Attempts {
			var row *ent.Attempt
			if row, err = of.Clone().Where(entattempt.StateNEQ(notify.Failed)).Order(ent.Desc(entattempt.FieldCreatedAt)).First(ctx); err == nil {
				h.LastSuccess = row.CreatedAt.UTC()
			}
		}
		if err == nil && h.Failures > 0 {
			var row *ent.Attempt
			if row, err = failed.Clone().Order(ent.Desc(entattempt.FieldCreatedAt)).First(ctx); err == nil {
				h.LastFailure, h.LastError = row.CreatedAt.UTC(), row.Why
			}
		}
		if err != nil {
			return nil, fmt.Errorf("look at the channel %s: %w", name, err)
		}
		all = append(all, h)
	}
	return all, nil
}
