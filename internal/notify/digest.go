package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/notify/ent"
	entdelivery "github.com/yourorg/platform/internal/notify/ent/delivery"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

// digestTemplate says several notifications in one mail.
const (
	digestTemplate = "notify.digest"
	digestCategory = "digest"
)

const digestSize = 50 // notifications in one mail; the others come in the next

// digest is the job of one mail about all that is held for a recipient.
type digest struct {
	Tenant    uuid.UUID `json:"tenant"`
	Recipient uuid.UUID `json:"recipient"`
}

func (digest) Kind() string { return "notify.digest" }
func (digest) Version() int { return 1 }

// askDigest asks for a digest at a time, once for each recipient.
func (n *Notifications) askDigest(ctx context.Context, owner, recipient uuid.UUID, due time.Time) error {
	key := fmt.Sprintf("%s/%s/%d", owner, recipient, due.Unix())
	_, err := n.jobs.Enqueue(ctx, digest{Tenant: owner, Recipient: recipient}, job.At(due), job.Unique(key, 0))
	return err
}

// item is one notification in a digest.
type item struct {
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Time    time.Time `json:"time"`
}

// digest sends what is held and due as one mail, which has a receipt of its own. All of it is one transaction: nothing is
// in two digests, and nothing in none.
func (w *Worker) digest(ctx context.Context, args digest) error {
	return w.db.InTx(ctx, func(ctx context.Context) error {
		within := tenant.System(ctx, reason)
		rows, err := w.client.Delivery.Query().
			Where(entdelivery.TenantID(args.Tenant), entdelivery.RecipientID(args.Recipient), entdelivery.State(notify.Held), entdelivery.DueAtLTE(now().Add(time.Second))).
			Order(ent.Asc(entdelivery.FieldID)).Limit(digestSize + 1).All(within)
		if err != nil {
			return fmt.Errorf("look up what is held: %w", err)
		}
		if more := len(rows) > digestSize; more {
			rows = rows[:digestSize]
			if err := w.askDigest(ctx, args.Tenant, args.Recipient, now().Add(time.Second)); err != nil {
				return err
			}
		}
		to, held, items, err := w.collect(ctx, rows)
		if err != nil {
			return err
		}
		if len(items) > 0 {
			if err := w.sendDigest(ctx, args, to, held, items); err != nil {
				return err
			}
		}
		return job.Complete(ctx, nil)
	})
}

// collect reads what is held. What has expired meanwhile, or is not wanted any more, is ended here.
func (w *Worker) collect(ctx context.Context, rows []*ent.Delivery) (to notify.Rendered, held []*ent.Delivery, items []item, err error) {
	for _, row := range rows {
		parent, err := w.client.Notification.Get(tenant.System(ctx, reason), row.NotificationID)
		if err != nil {
			return to, nil, nil, fmt.Errorf("look up what is held: %w", err)
		}
		p, err := w.chosen(ctx, row.TenantID, row.RecipientID)
		if err != nil {
			return to, nil, nil, err
		}
		state, why := notify.Failed, "it has expired"
		if !p.Wants(parent.Category, notify.Email) || !p.Wants(digestCategory, notify.Email) {
			state, why = notify.Suppressed, "the recipient has switched it off"
		} else if parent.Sealed != nil && now().Before(parent.ExpiresAt) {
			r, err := w.open(parent)
			if err == nil {
				to, held = r, append(held, row)
				items = append(items, item{Subject: r.Subject, Text: cut(r.Text, 1000), Time: parent.CreatedAt})
				continue
			}
			why = "what it says cannot be read any more: the encryption key is another one"
		}
		if err := w.finish(ctx, row, state, why, ""); err != nil {
			return to, nil, nil, err
		}
	}
	return to, held, items, nil
}

func (w *Worker) sendDigest(ctx context.Context, args digest, to notify.Rendered, held []*ent.Delivery, items []item) error {
	inside := tenant.NewContext(ctx, args.Tenant)
	person, err := w.directory.Person(inside, args.Tenant, to.To.User)
	if errors.Is(err, notify.ErrRecipient) {
		for _, row := range held {
			if err := w.finish(ctx, row, notify.Failed, "the recipient is gone", ""); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if person.Email != "" {
		to.To.Email = person.Email
	}
	slices.SortFunc(items, func(a, b item) int { return a.Time.Compare(b.Time) })
	id, err := w.Send(inside, notify.Notification{
		To: to.To, Template: digestTemplate, Channels: []string{notify.Email}, Locale: to.Locale,
		Data: map[string]any{"items": items, "count": len(items)},
	})
	if err != nil {
		return err
	}
	for _, row := range held {
		if err := w.finish(ctx, row, notify.Sent, "in a digest", id.String()); err != nil {
			return err
		}
	}
	return nil
}
