// Package notify keeps notifications with the work that they tell of, and delivers them by jobs.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/notify/ent"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// reason is why this package sees the rows of every tenant: it filters by the tenant itself, which may be none.
const reason = "notifications"

// Notifications takes notifications, delivers them and knows what became of them.
type Notifications struct {
	cfg       Config
	db        *database.Driver
	client    *ent.Client
	templates *Templates
	channels  *Channels
	directory notify.Directory
	settings  settings.Reader
	sealer    secret.Sealer
	jobs      job.Enqueuer
	site      Site
	log       *zap.Logger
}

// Needs is what notifications are made and delivered with.
type Needs struct {
	Config    Config
	Database  *database.Driver
	Templates *Templates
	Channels  *Channels
	Directory notify.Directory
	Settings  settings.Reader
	Sealer    secret.Sealer
	Jobs      job.Enqueuer
	Site      Site
	Log       *zap.Logger
}

var _ notify.Notifier = (*Notifications)(nil)

// New returns what can be used once the database is migrated.
func New(n Needs) *Notifications {
	return &Notifications{
		cfg: n.Config, db: n.Database, client: ent.NewClient(ent.Driver(n.Database)), templates: n.Templates, channels: n.Channels,
		directory: n.Directory, settings: n.Settings, sealer: n.Sealer, jobs: n.Jobs,
		site: n.Site, log: n.Log,
	}
}

// now is the time as both databases keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Send implements notify.Notifier. It renders at once: what fails with the data at hand fails for the caller, who can do
// something about it, and a template that changes meanwhile changes nothing that was promised.
func (n *Notifications) Send(ctx context.Context, what notify.Notification) (uuid.UUID, error) {
	owner, _ := tenant.FromContext(ctx)
	d, err := n.draft(ctx, owner, what)
	if err != nil {
		return uuid.Nil, fmt.Errorf("send %s: %w", what.Template, err)
	}
	if err := n.db.InTx(ctx, func(ctx context.Context) error { return n.keep(ctx, d) }); err != nil {
		return uuid.Nil, fmt.Errorf("send %s: %w", what.Template, err)
	}
	return d.rendered.ID, nil
}

// draft is a notification that is about to be kept.
type draft struct {
	rendered  notify.Rendered
	recipient uuid.UUID
	template  *wording
	ways      []way
	expires   time.Time
}

func (n *Notifications) draft(ctx context.Context, owner uuid.UUID, what notify.Notification) (*draft, error) {
	t := n.templates.all[what.Template]
	if t == nil {
		return nil, notify.ErrUnknownTemplate.Wrap(fmt.Errorf("there is no template %q", what.Template))
	}
	to, person, err := n.reach(ctx, owner, what.To)
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(what.Data)
	if err != nil {
		return nil, notify.ErrTemplate.Wrap(err)
	}
	locale := what.Locale
	if locale == "" {
		locale = person.Locale
	}
	r, err := n.say(ctx, t, speech{locale: locale, zone: person.Zone}, fields)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	r.ID, r.Tenant, r.To = id, owner, to
	d := &draft{rendered: r, recipient: recipientOf(owner, to, t.Essential), template: t, expires: what.Expires.UTC().Truncate(time.Microsecond)}
	if what.Expires.IsZero() {
		d.expires = now().Add(n.cfg.Expiry)
	}
	if err := n.subscribe(d); err != nil {
		return nil, err
	}
	d.ways, err = n.ways(ctx, d, what.Channels, person.Zone)
	return d, err
}

// say renders what counts for the tenant in ctx. A replacement that fails with these data loses nothing: the built-in
// template says it then.
func (n *Notifications) say(ctx context.Context, t *wording, s speech, fields map[string]any) (notify.Rendered, error) {
	src, locale, custom, err := n.wordingOf(ctx, t, s.locale)
	if err != nil {
		return notify.Rendered{}, err
	}
	s.locale = locale
	out, err := s.render(src, fields)
	if err != nil && custom {
		n.log.Warn("a tenant's template does not work with what it should say: the built-in one is used",
			append(logger.Scope(ctx), zap.String("template", t.Name), zap.String("locale", locale), zap.Error(err))...)
		src, s.locale = t.source(locale)
		out, err = s.render(src, fields)
	}
	if err != nil {
		return notify.Rendered{}, notify.ErrTemplate.Wrap(fmt.Errorf("%s in %s: %w", t.Name, s.locale, err))
	}
	return notify.Rendered{
		Template: t.Name, Category: t.Category, Essential: t.Essential, Locale: s.locale,
		Subject: out.subject, Text: out.text, HTML: out.html, Short: out.short,
	}, nil
}

// keep writes the draft and asks for its jobs, in the transaction of ctx.
func (n *Notifications) keep(ctx context.Context, d *draft) error {
	r := d.rendered
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode it: %w", err)
	}
	sealed, err := n.sealer.Seal(content, sealedFor(r.ID))
	if err != nil {
		return fmt.Errorf("seal it: %w", err)
	}
	within := tenant.System(ctx, reason)
	user := r.To.User
	if r.Tenant == uuid.Nil {
		user = uuid.Nil // nobody would erase it
	}
	row := n.client.Notification.Create().SetID(r.ID).SetTenantID(r.Tenant).SetUserID(user).SetTemplate(r.Template).
		SetCategory(r.Category).SetLocale(r.Locale).SetExpiresAt(d.expires).SetCreatedAt(now())
	if anyOpen(d.ways) {
		row.SetSealed(sealed)
	}
	if err := row.Exec(within); err != nil {
		return fmt.Errorf("keep it: %w", err)
	}
	for _, w := range d.ways {
		if err := n.keepWay(ctx, d, w); err != nil {
			return err
		}
	}
	return nil
}

func (n *Notifications) keepWay(ctx context.Context, d *draft, w way) error {
	err := n.client.Delivery.Create().SetID(w.id).SetTenantID(d.rendered.Tenant).SetNotificationID(d.rendered.ID).SetRecipientID(d.recipient).
		SetChannels(strings.Join(w.channels, "|")).SetPosition(0).SetAttempts(0).SetState(w.state).SetWhy(w.why).SetProviderID("").
		SetDueAt(w.due).SetChangedAt(now()).Exec(tenant.System(ctx, reason))
	if err != nil {
		return fmt.Errorf("keep the way by %s: %w", w.channels, err)
	}
	switch w.state {
	case notify.Queued:
		options := []job.Option{job.Before(d.expires)}
		if w.due.After(now()) {
			options = append(options, job.At(w.due))
		}
		_, err = n.jobs.Enqueue(ctx, deliver{Delivery: w.id}, options...)
	case notify.Held:
		err = n.askDigest(ctx, d.rendered.Tenant, d.recipient, w.due)
	}
	if err != nil {
		return fmt.Errorf("ask for the delivery by %s: %w", w.channels, err)
	}
	return nil
}

func sealedFor(id uuid.UUID) string { return "notify_notifications " + id.String() }
