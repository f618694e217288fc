package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/notify/ent"
	entoverride "github.com/yourorg/platform/internal/notify/ent/override"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

var _ notify.Catalog = (*Notifications)(nil)

// wordingOf finds the source for a locale: what the tenant in ctx says in it or in one near it, before what is built in
// there. What somebody has written in another language is not used: the built-in source in the right one is.
func (n *Notifications) wordingOf(ctx context.Context, t *wording, locale string) (src notify.Source, found string, custom bool, err error) {
	src, found = t.source(locale)
	owner, ok := tenant.FromContext(ctx)
	if !ok || t.Fixed {
		return src, found, false, nil
	}
	within := tenant.NewContext(ctx, owner) // whoever works for the system would see those of every tenant
	rows, err := n.client.Override.Query().Where(entoverride.Template(t.Name), entoverride.LocaleIn(nearest(locale)...)).All(within)
	if err != nil {
		return src, found, false, fmt.Errorf("look up the templates of the tenant: %w", err)
	}
	for _, l := range nearest(locale) {
		for _, row := range rows {
			if row.Locale == l {
				return sourceOf(row), l, true, nil
			}
		}
		if l == found {
			break
		}
	}
	return src, found, false, nil
}

func sourceOf(row *ent.Override) notify.Source {
	return notify.Source{Subject: row.Subject, Text: row.Text, HTML: row.HTML, Short: row.Short}
}

// Templates implements notify.Catalog.
func (n *Notifications) Templates(ctx context.Context) ([]notify.Template, error) {
	rows, err := n.client.Override.Query().Order(ent.Asc(entoverride.FieldLocale)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the templates of the tenant: %w", err)
	}
	var all []notify.Template
	for _, name := range slices.Sorted(maps.Keys(n.templates.all)) {
		t := n.templates.all[name].Template
		t.Channels, t.Locales = slices.Clone(t.Channels), slices.Clone(t.Locales)
		for _, row := range rows {
			if row.Template == name {
				t.Custom = append(t.Custom, row.Locale)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

func (n *Notifications) named(name, locale string) (*wording, error) {
	t := n.templates.all[name]
	if t == nil || !localeTag.MatchString(locale) || len(locale) > 35 {
		return nil, notify.ErrTemplateNotFound.Wrap(errors.New("no such template or language"))
	}
	return t, nil
}

// Source implements notify.Catalog.
func (n *Notifications) Source(ctx context.Context, name, locale string) (notify.Custom, error) {
	t, err := n.named(name, locale)
	if err != nil {
		return notify.Custom{}, err
	}
	row, err := n.client.Override.Query().Where(entoverride.Template(name), entoverride.Locale(locale)).Only(ctx)
	if ent.IsNotFound(err) {
		src, _ := t.source(locale)
		return notify.Custom{Source: src}, nil
	}
	if err != nil {
		return notify.Custom{}, fmt.Errorf("read template %s: %w", name, err)
	}
	return notify.Custom{Source: sourceOf(row), Updated: row.UpdatedAt.UTC(), UpdatedBy: row.UpdatedBy}, nil
}

// Replace implements notify.Catalog.
func (n *Notifications) Replace(ctx context.Context, name, locale string, src notify.Source, accepts func(notify.Custom) bool) (notify.Custom, error) {
	t, err := n.named(name, locale)
	if err != nil {
		return notify.Custom{}, err
	}
	if t.Fixed {
		return notify.Custom{}, notify.ErrTemplateFixed
	}
	if err := try(src, locale, t.sample); err != nil {
		return notify.Custom{}, notify.ErrTemplateInvalid.Wrap(err).Detailf("%s", cut(oneLined(err), 1000))
	}
	caller, _ := auth.FromContext(ctx)
	by := uuid.Nil
	if caller != nil {
		by = caller.UserID
	}
	id, err := uuid.NewV7()
	if err != nil {
		return notify.Custom{}, err
	}
	custom := notify.Custom{Source: src, Updated: now(), UpdatedBy: by}
	err = n.db.InTx(ctx, func(ctx context.Context) error {
		if err := n.forget(ctx, name, locale, accepts); err != nil {
			return err
		}
		return n.client.Override.Create().SetID(id).SetTemplate(name).SetLocale(locale).SetSubject(src.Subject).SetText(src.Text).
			SetHTML(src.HTML).SetShort(src.Short).SetUpdatedBy(by).SetUpdatedAt(custom.Updated).Exec(ctx)
	})
	if ent.IsConstraintError(err) { // somebody has replaced the built-in one, which has no row to lock
		err = notify.ErrTemplateChanged.Wrap(err)
	}
	if err != nil {
		return notify.Custom{}, fmt.Errorf("replace template %s: %w", name, err)
	}
	return custom, nil
}

// Restore implements notify.Catalog.
func (n *Notifications) Restore(ctx context.Context, name, locale string, accepts func(notify.Custom) bool) error {
	if _, err := n.named(name, locale); err != nil {
		return err
	}
	if err := n.db.InTx(ctx, func(ctx context.Context) error { return n.forget(ctx, name, locale, accepts) }); err != nil {
		return fmt.Errorf("restore template %s: %w", name, err)
	}
	return nil
}

// forget removes what the tenant says instead, when that is acceptable. The row is locked first and read afterwards: whoever
// has waited for the lock sees what the other has left. Only that row goes: one that came meanwhile is somebody's answer.
func (n *Notifications) forget(ctx context.Context, name, locale string, accepts func(notify.Custom) bool) error {
	ids, err := n.client.Override.Query().Where(entoverride.Template(name), entoverride.Locale(locale), locked).IDs(ctx)
	if err != nil {
		return err
	}
	counts, err := n.Source(ctx, name, locale)
	if err != nil {
		return err
	}
	if accepts != nil && !accepts(counts) {
		return notify.ErrTemplateChanged
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = n.client.Override.Delete().Where(entoverride.IDIn(ids...)).Exec(ctx)
	return err
}

// Preview implements notify.Catalog.
func (n *Notifications) Preview(ctx context.Context, name, locale string, data any) (notify.Rendered, error) {
	t, err := n.named(name, locale)
	if err != nil {
		return notify.Rendered{}, err
	}
	src, found, _, err := n.wordingOf(ctx, t, locale)
	if err != nil {
		return notify.Rendered{}, err
	}
	return preview(t, src, found, data)
}

func preview(t *wording, src notify.Source, locale string, data any) (notify.Rendered, error) {
	fields := t.sample
	if data != nil {
		var err error
		if fields, err = fieldsOf(data); err != nil {
			return notify.Rendered{}, notify.ErrTemplateInvalid.Wrap(err).Detailf("%s", oneLined(err))
		}
	}
	out, err := speech{locale: locale, zone: utc}.render(src, fields)
	if err != nil {
		return notify.Rendered{}, notify.ErrTemplateInvalid.Wrap(err).Detailf("%s", oneLined(err))
	}
	return notify.Rendered{
		Template: t.Name, Category: t.Category, Essential: t.Essential, Locale: locale,
		Subject: out.subject, Text: out.text, HTML: out.html, Short: out.short,
	}, nil
}

// Preview renders a built-in template, with the sample when data is nil, without a database.
func (t *Templates) Preview(name, locale string, data any) (notify.Rendered, error) {
	one := t.all[name]
	if one == nil {
		return notify.Rendered{}, notify.ErrTemplateNotFound.Wrap(fmt.Errorf("there is no template %q", name))
	}
	src, found := one.source(locale)
	return preview(one, src, found, data)
}
