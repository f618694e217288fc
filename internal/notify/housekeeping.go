package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	entattempt "github.com/yourorg/platform/internal/notify/ent/attempt"
	entdelivery "github.com/yourorg/platform/internal/notify/ent/delivery"
	entitem "github.com/yourorg/platform/internal/notify/ent/item"
	entnotification "github.com/yourorg/platform/internal/notify/ent/notification"
	entoverride "github.com/yourorg/platform/internal/notify/ent/override"
	entpreference "github.com/yourorg/platform/internal/notify/ent/preference"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	batch  = 500
	rounds = 100              // batches in one round of housekeeping
	late   = 10 * time.Minute // a digest that is that late was not asked for
)

// Sweeper removes what nobody needs any more.
type Sweeper struct{ *Notifications }

var (
	_ module.Housekeeper  = (*Sweeper)(nil)
	_ tenant.Eraser       = (*Sweeper)(nil)
	_ tenant.MemberEraser = (*Sweeper)(nil)
)

// Name is the name of the housekeeping.
func (*Sweeper) Name() string { return "notify.notifications" }

// erase removes what a notification says when none of its ways is open any more.
func (n *Notifications) erase(ctx context.Context, id uuid.UUID) error {
	within := tenant.System(ctx, reason)
	// Two ways may end at once, and neither would see the end of the other: the second waits here for the first.
	if _, err := n.client.Notification.Query().Where(entnotification.ID(id), exclusively).IDs(within); err != nil {
		return fmt.Errorf("lock notification %s: %w", id, err)
	}
	left, err := n.client.Delivery.Query().Where(entdelivery.NotificationID(id), entdelivery.StateIn(notify.Queued, notify.Held)).Exist(within)
	if err == nil && !left {
		err = n.client.Notification.UpdateOneID(id).ClearSealed().Exec(within)
	}
	if err != nil {
		return fmt.Errorf("erase what notification %s says: %w", id, err)
	}
	return nil
}

// Tidy ends what has expired, asks again for digests that nobody has asked for, and removes old receipts.
func (s *Sweeper) Tidy(ctx context.Context) (total int, err error) {
	if err := s.expire(ctx); err != nil {
		return 0, err
	}
	if err := s.remindDigests(ctx); err != nil {
		return 0, err
	}
	within := tenant.System(ctx, "old notifications")
	before := now().Add(-s.cfg.Retention)
	for range rounds {
		ids, err := s.client.Notification.Query().Where(entnotification.CreatedAtLT(before), entnotification.SealedIsNil()).
			Order(entnotification.ByID()).Limit(batch).IDs(within)
		if err != nil {
			return total, fmt.Errorf("look up old notifications: %w", err)
		}
		n, err := s.remove(within, ids)
		total += n
		if err != nil || len(ids) < batch {
			break
		}
	}
	n, err := s.client.Item.Delete().Where(entitem.CreatedAtLT(before)).Exec(within)
	if err != nil {
		return total, fmt.Errorf("remove what is old in the inboxes: %w", err)
	}
	return total + n, nil
}

// remove deletes notifications with all that was noted about them.
func (s *Sweeper) remove(within context.Context, ids []uuid.UUID) (removed int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	err = s.db.InTx(within, func(within context.Context) error {
		deliveries, err := s.client.Delivery.Query().Where(entdelivery.NotificationIDIn(ids...)).IDs(within)
		if err != nil {
			return err
		}
		for part := range chunks(deliveries) {
			if _, err := s.client.Attempt.Delete().Where(entattempt.DeliveryIDIn(part...)).Exec(within); err != nil {
				return err
			}
		}
		if _, err := s.client.Delivery.Delete().Where(entdelivery.NotificationIDIn(ids...)).Exec(within); err != nil {
			return err
		}
		removed, err = s.client.Notification.Delete().Where(entnotification.IDIn(ids...)).Exec(within)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove notifications: %w", err)
	}
	return removed, nil
}

// expire ends the ways of what is worthless now, and erases what it says.
func (s *Sweeper) expire(ctx context.Context) error {
	within := tenant.System(ctx, reason)
	for range rounds {
		ids, err := s.client.Notification.Query().Where(entnotification.SealedNotNil(), entnotification.ExpiresAtLT(now())).
			Order(entnotification.ByExpiresAt()).Limit(batch).IDs(within)
		if err != nil {
			return fmt.Errorf("look up what has expired: %w", err)
		}
		if len(ids) > 0 {
			err = s.db.InTx(within, func(within context.Context) error {
				err := s.client.Delivery.Update().Where(entdelivery.NotificationIDIn(ids...), entdelivery.StateIn(notify.Queued, notify.Held)).
					SetState(notify.Failed).SetWhy("it has expired").SetChangedAt(now()).Exec(within)
				if err != nil {
					return err
				}
				return s.client.Notification.Update().Where(entnotification.IDIn(ids...)).ClearSealed().Exec(within)
			})
		}
		if err != nil {
			return fmt.Errorf("end what has expired: %w", err)
		}
		if len(ids) < batch {
			return nil
		}
	}
	return nil
}

// remindDigests asks for the digests of what was held while its digest was being sent.
func (s *Sweeper) remindDigests(ctx context.Context) error {
	var rows []struct {
		TenantID    uuid.UUID `json:"tenant_id"`
		RecipientID uuid.UUID `json:"recipient_id"`
	}
	err := s.client.Delivery.Query().Where(entdelivery.State(notify.Held), entdelivery.DueAtLT(now().Add(-late))).
		GroupBy(entdelivery.FieldTenantID, entdelivery.FieldRecipientID).
		Scan(tenant.System(ctx, reason), &rows)
	if err != nil {
		return fmt.Errorf("look for late digests: %w", err)
	}
	for _, r := range rows {
		if err := s.askDigest(tenant.NewContext(ctx, r.TenantID), r.TenantID, r.RecipientID, now()); err != nil {
			return err
		}
	}
	return nil
}

// Erase implements tenant.Eraser.
func (s *Sweeper) Erase(ctx context.Context, owner tenant.ID) (int, error) {
	within := tenant.System(ctx, "erasure of a tenant")
	ids, err := s.client.Notification.Query().Where(entnotification.TenantID(owner)).Limit(batch).IDs(within)
	if err != nil {
		return 0, fmt.Errorf("look up the notifications of a tenant: %w", err)
	}
	if len(ids) > 0 {
		return s.remove(within, ids)
	}
	total := 0
	for _, table := range []func() (int, error){
		func() (int, error) { return s.client.Attempt.Delete().Where(entattempt.TenantID(owner)).Exec(within) },
		func() (int, error) { return s.client.Delivery.Delete().Where(entdelivery.TenantID(owner)).Exec(within) },
		func() (int, error) { return s.client.Item.Delete().Where(entitem.TenantID(owner)).Exec(within) },
		func() (int, error) {
			return s.client.Preference.Delete().Where(entpreference.TenantID(owner)).Exec(within)
		},
		func() (int, error) {
			return s.client.Override.Delete().Where(entoverride.TenantID(owner)).Exec(within)
		},
	} {
		n, err := table()
		total += n
		if err != nil {
			return total, fmt.Errorf("erase the notifications of a tenant: %w", err)
		}
	}
	return total, nil
}

// EraseMember implements tenant.MemberEraser.
func (s *Sweeper) EraseMember(ctx context.Context, owner tenant.ID, user uuid.UUID) error {
	within := tenant.System(ctx, "erasure of a member")
	for {
		ids, err := s.client.Notification.Query().Where(entnotification.TenantID(owner), entnotification.UserID(user)).Limit(batch).IDs(within)
		if err != nil {
			return fmt.Errorf("look up the notifications of a member: %w", err)
		}
		if _, err := s.remove(within, ids); err != nil {
			return err
		}
		if len(ids) < batch {
			break
		}
	}
	_, err := s.client.Item.Delete().Where(entitem.TenantID(owner), entitem.UserID(user)).Exec(within)
	if err == nil {
		_, err = s.client.Preference.Delete().Where(entpreference.TenantID(owner), entpreference.RecipientID(user)).Exec(within)
	}
	if err == nil {
		err = s.client.Override.Update().Where(entoverride.TenantID(owner), entoverride.UpdatedBy(user)).SetUpdatedBy(uuid.Nil).Exec(within)
	}
	if err != nil {
		return fmt.Errorf("erase what is kept of a member: %w", err)
	}
	return nil
}

func chunks(ids []uuid.UUID) func(yield func([]uuid.UUID) bool) {
	return func(yield func([]uuid.UUID) bool) {
		for len(ids) > 0 {
			part := ids[:min(len(ids), batch)]
			ids = ids[len(part):]
			if !yield(part) {
				return
			}
		}
	}
}
