package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/notify/ent"
	entdelivery "github.com/yourorg/platform/internal/notify/ent/delivery"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

// deliver is the job of one delivery.
type deliver struct {
	Delivery uuid.UUID `json:"delivery"`
}

func (deliver) Kind() string { return "notify.deliver" }
func (deliver) Version() int { return 1 }

// Worker does the jobs.
type Worker struct{ *Notifications }

var _ job.Worker = (*Worker)(nil)

// Handlers implements job.Worker. Each attempt of a delivery is counted here, by channel: those of the job are for what
// goes wrong around it.
func (w *Worker) Handlers() []job.Handler {
	return []job.Handler{
		job.On(w.deliver, job.MaxAttempts(25), job.Timeout(w.cfg.Timeout+30*time.Second)),
		job.On(w.digest, job.MaxAttempts(25)),
	}
}

// outcome is how one attempt ended.
type outcome struct {
	channel, provider string
	state             string // of the attempt
	err               error
}

// deliver makes one attempt, and another at once on the next channel when this one cannot do it.
func (w *Worker) deliver(ctx context.Context, args deliver) error {
	for {
		row, r, err := w.load(ctx, args.Delivery)
		if err != nil || row == nil {
			return err
		}
		o := w.attempt(ctx, row, r)
		again, err := w.note(ctx, row, r, o)
		if err != nil {
			return err
		}
		if again != nil {
			if *again > 0 {
				return job.Later(*again, errors.New(explain(o.err, r)))
			}
			continue
		}
		return nil
	}
}

// load reads what is to be delivered. row is nil when there is nothing to do any more.
func (w *Worker) load(ctx context.Context, id uuid.UUID) (*ent.Delivery, notify.Rendered, error) {
	var r notify.Rendered
	within := tenant.System(ctx, reason)
	row, err := w.client.Delivery.Get(within, id)
	if ent.IsNotFound(err) || err == nil && row.State != notify.Queued {
		return nil, r, w.db.InTx(ctx, func(ctx context.Context) error { return job.Complete(ctx, nil) })
	}
	if err != nil {
		return nil, r, fmt.Errorf("look up delivery %s: %w", id, err)
	}
	parent, err := w.client.Notification.Get(within, row.NotificationID)
	if err != nil {
		return nil, r, fmt.Errorf("look up the notification of delivery %s: %w", id, err)
	}
	if !now().Before(parent.ExpiresAt) || parent.Sealed == nil {
		return nil, r, w.giveUp(ctx, row, "it has expired")
	}
	if r, err = w.open(parent); err != nil {
		return nil, r, w.giveUp(ctx, row, "what it says cannot be read any more: the encryption key is another one")
	}
	r.ID = row.ID // each way is told apart by who receives it
	return row, r, nil
}

func (n *Notifications) open(row *ent.Notification) (r notify.Rendered, err error) {
	plain, err := n.sealer.Open(row.Sealed, sealedFor(row.ID))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(plain, &r)
}

func (w *Worker) giveUp(ctx context.Context, row *ent.Delivery, why string) error {
	return w.db.InTx(ctx, func(ctx context.Context) error {
		if err := w.finish(ctx, row, notify.Failed, why, ""); err != nil {
			return err
		}
		return job.Complete(ctx, nil)
	})
}

// attempt tries the channel whose turn it is. The inbox is written in the transaction that notes it: see note.
func (w *Worker) attempt(ctx context.Context, row *ent.Delivery, r notify.Rendered) (o outcome) {
	o.channel = strings.Split(row.Channels, "|")[row.Position]
	if o.channel == notify.Inbox {
		o.state, o.err = notify.Delivered, w.fitsInbox(r)
	} else if c := w.channels.all[o.channel]; c == nil {
		o.err = errOff
	} else {
		ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		defer cancel()
		ctx, span := tracing.Child(ctx, "notify "+o.channel, trace.SpanKindClient,
			attribute.String("platform.notification.channel", o.channel), attribute.String("platform.notification.kind", r.Template))
		o.provider, o.err = c.Deliver(ctx, r)
		tracing.End(span, o.err)
		o.state = confirmed(c)
	}
	if o.err != nil {
		o.state = notify.Failed
	}
	return o
}

// note keeps how an attempt ended, together with what follows from it. again is nil when the delivery is over, 0 when the
// next channel is to be tried at once, and otherwise the pause before the next attempt.
func (w *Worker) note(ctx context.Context, row *ent.Delivery, r notify.Rendered, o outcome) (again *time.Duration, err error) {
	channels := strings.Split(row.Channels, "|")
	why := explain(o.err, r)
	pause := time.Duration(0)
	err = w.db.InTx(ctx, func(ctx context.Context) error {
		if err := w.keepAttempt(ctx, row, o, why); err != nil {
			return err
		}
		switch {
		case o.err == nil:
			if o.channel == notify.Inbox {
				if err := w.putInto(ctx, r); err != nil {
					return err
				}
			}
			if err := w.finish(ctx, row, o.state, "", o.provider); err != nil {
				return err
			}
			return job.Complete(ctx, nil)
		case !notify.IsPermanent(o.err) && row.Attempts+1 < w.cfg.MaxAttempts:
			pause = w.pause(row.Attempts, o.err)
			again = &pause
			return w.move(ctx, row, row.Position, row.Attempts+1, why, pause)
		case row.Position+1 < len(channels):
			again = &pause
			return w.move(ctx, row, row.Position+1, 0, why, 0)
		}
		if err := w.finish(ctx, row, notify.Failed, why, ""); err != nil {
			return err
		}
		return job.Complete(ctx, nil)
	})
	if err != nil {
		return nil, fmt.Errorf("note the attempt of delivery %s: %w", row.ID, err)
	}
	w.tell(ctx, row, r, o, why, again)
	return again, nil
}

// tell logs how an attempt ended, without what was delivered and to whom.
func (w *Worker) tell(ctx context.Context, row *ent.Delivery, r notify.Rendered, o outcome, why string, again *time.Duration) {
	log := w.log.With(append(logger.Scope(ctx), zap.Stringer("notification", row.NotificationID), zap.String("kind", r.Template), zap.String("channel", o.channel))...)
	switch {
	case o.err == nil:
		log.Debug("notification delivered")
	case again != nil:
		log.Warn("a notification could not be delivered yet", zap.String("why", why), zap.Duration("again_in", *again))
	default:
		log.Error("a notification could not be delivered", zap.String("why", why))
	}
}

func (w *Worker) keepAttempt(ctx context.Context, row *ent.Delivery, o outcome, why string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return w.client.Attempt.Create().SetID(id).SetTenantID(row.TenantID).SetDeliveryID(row.ID).SetChannel(o.channel).SetState(o.state).
		SetWhy(why).SetPermanent(notify.IsPermanent(o.err)).SetProviderID(cut(o.provider, maxWhy)).SetCreatedAt(now()).Exec(tenant.System(ctx, reason))
}

// move lets a delivery go on with a channel.
func (w *Worker) move(ctx context.Context, row *ent.Delivery, position, attempts int, why string, pause time.Duration) error {
	return w.update(ctx, row, w.client.Delivery.Update().SetPosition(position).SetAttempts(attempts).SetWhy(why).SetDueAt(now().Add(pause)))
}

// finish ends a delivery. When it was the last one of its notification, what that says is erased.
func (n *Notifications) finish(ctx context.Context, row *ent.Delivery, state, why, provider string) error {
	set := n.client.Delivery.Update().SetState(state).SetWhy(why).SetProviderID(cut(provider, maxWhy))
	if err := n.update(ctx, row, set); err != nil {
		return err
	}
	return n.erase(ctx, row.NotificationID)
}

// update changes a delivery that nobody else has ended meanwhile.
func (n *Notifications) update(ctx context.Context, row *ent.Delivery, set *ent.DeliveryUpdate) error {
	changed, err := set.SetChangedAt(now()).Where(entdelivery.ID(row.ID), entdelivery.State(row.State)).Save(tenant.System(ctx, reason))
	if err != nil {
		return fmt.Errorf("change delivery %s: %w", row.ID, err)
	}
	if changed == 0 {
		return job.ErrLost
	}
	return nil
}

const maxWhy = 500 // characters

// explain is what is kept about an error: one line, without the addresses of the recipient.
func explain(err error, r notify.Rendered) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, private := range append([]string{r.To.Email, r.To.Phone}, r.To.Devices...) {
		if private != "" {
			text = strings.ReplaceAll(text, private, "<recipient>")
		}
	}
	return cut(strings.ToValidUTF8(strings.Map(oneLine, text), "?"), maxWhy)
}

// pause doubles with each failure, spread so that what failed together is not tried together.
func (w *Worker) pause(failures int, err error) time.Duration {
	d := w.cfg.RetryMin
	for range failures {
		if d *= 2; d >= w.cfg.RetryMax {
			d = w.cfg.RetryMax
			break
		}
	}
	d = d/2 + rand.N(d/2+1)
	return max(d, min(notify.AskedPause(err), 24*time.Hour), time.Millisecond)
}
