package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/notify/ent"
	entpreference "github.com/yourorg/platform/internal/notify/ent/preference"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

var _ notify.Preferring = (*Notifications)(nil)

// chosen reads what a recipient has chosen, nothing when they never did.
func (n *Notifications) chosen(ctx context.Context, owner, recipient uuid.UUID) (notify.Preferences, error) {
	var p notify.Preferences
	if recipient == uuid.Nil {
		return p, nil
	}
	row, err := n.client.Preference.Query().Where(entpreference.TenantID(owner), entpreference.RecipientID(recipient), locked).Only(tenant.System(ctx, reason))
	if ent.IsNotFound(err) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(row.Choices), &p)
	}
	if err != nil {
		return p, fmt.Errorf("read the preferences: %w", err)
	}
	return p, nil
}

// exclusively locks the row. SQLite has one writer at a time.
func exclusively(s *entsql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}

type lockKey struct{}

// locked keeps others from changing the row in between, where that is asked for. SQLite has one writer at a time.
func locked(s *entsql.Selector) {
	if s.Dialect() == dialect.Postgres && s.Context() != nil && s.Context().Value(lockKey{}) != nil {
		s.ForUpdate()
	}
}

// Preferences implements notify.Preferring.
func (n *Notifications) Preferences(ctx context.Context, user uuid.UUID) (notify.Preferences, []notify.Category, error) {
	owner, ok := tenant.FromContext(ctx)
	if !ok {
		return notify.Preferences{}, nil, tenant.ErrMissing
	}
	p, err := n.chosen(ctx, owner, user)
	return n.complete(p), n.templates.categories(), err
}

func (n *Notifications) complete(p notify.Preferences) notify.Preferences {
	p.Digest = n.every(p)
	return p
}

// Prefer implements notify.Preferring.
func (n *Notifications) Prefer(
	ctx context.Context, user uuid.UUID, ok func(notify.Preferences, []notify.Category) bool, change func(*notify.Preferences),
) (notify.Preferences, []notify.Category, error) {
	owner, in := tenant.FromContext(ctx)
	if !in {
		return notify.Preferences{}, nil, tenant.ErrMissing
	}
	p, err := n.prefer(ctx, owner, user, func(p *notify.Preferences) error {
		if ok != nil && !ok(n.complete(*p), n.templates.categories()) {
			return notify.ErrPreferencesChanged
		}
		before := maps.Clone(p.Categories) // only the names are looked at
		change(p)
		return n.acceptable(p, before)
	})
	return n.complete(p), n.templates.categories(), err
}

func (n *Notifications) prefer(ctx context.Context, owner, recipient uuid.UUID, change func(*notify.Preferences) error) (p notify.Preferences, err error) {
	err = n.db.InTx(ctx, func(ctx context.Context) error {
		within := tenant.System(ctx, reason)
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		// The row must be there to be locked.
		err = n.client.Preference.Create().SetID(id).SetTenantID(owner).SetRecipientID(recipient).SetChoices("{}").SetUpdatedAt(now()).
			OnConflict(entsql.ConflictColumns(entpreference.FieldTenantID, entpreference.FieldRecipientID), entsql.DoNothing()).Exec(within)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("keep the preferences: %w", err)
		}
		if p, err = n.chosen(context.WithValue(ctx, lockKey{}, true), owner, recipient); err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		choices, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return n.client.Preference.Update().Where(entpreference.TenantID(owner), entpreference.RecipientID(recipient)).
			SetChoices(string(choices)).SetUpdatedAt(now()).Exec(within)
	})
	return p, err
}

// acceptable refuses what means nothing, and takes out what is said by saying nothing. What was chosen before may be about
// a module that is switched off.
func (n *Notifications) acceptable(p *notify.Preferences, before map[string]map[string]bool) error {
	var problems []string
	if (p.QuietFrom == "") != (p.QuietUntil == "") || p.QuietFrom != "" && p.QuietFrom == p.QuietUntil {
		problems = append(problems, "Quiet hours need a beginning and another end.")
	}
	for _, t := range []string{p.QuietFrom, p.QuietUntil} {
		if _, err := time.Parse(clock, t); t != "" && (err != nil || len(t) != len(clock)) {
			problems = append(problems, "A time of day looks like 22:00.")
			break
		}
	}
	if p.Digest != "" && p.Digest != notify.Off && p.Digest != notify.Hourly && p.Digest != notify.Daily {
		problems = append(problems, "The digest is off, hourly or daily.")
	}
	known := map[string]bool{}
	for _, c := range n.templates.categories() {
		known[c.Name] = !c.Essential
	}
	for _, name := range slices.Sorted(maps.Keys(p.Categories)) {
		free, there := known[name]
		if _, old := before[name]; old && !there {
			continue
		}
		for channel, wanted := range p.Categories[name] {
			switch {
			case !n.channels.known(channel):
				problems = append(problems, "There is no channel "+channel+".")
			case !there:
				problems = append(problems, "There is no category "+name+".")
			case !free && !wanted:
				problems = append(problems, "The category "+name+" cannot be switched off.")
			}
			if wanted {
				delete(p.Categories[name], channel)
			}
		}
		if len(p.Categories[name]) == 0 {
			delete(p.Categories, name)
		}
	}
	if len(problems) > 0 {
		slices.Sort(problems)
		return notify.ErrPreference.Detailf("%s", strings.Join(slices.Compact(problems), " "))
	}
	return nil
}

// categories lists what recipients choose by.
func (t *Templates) categories() []notify.Category {
	essential := map[string]bool{}
	for _, one := range t.all {
		before, there := essential[one.Category]
		essential[one.Category] = one.Essential && (before || !there)
	}
	var all []notify.Category
	for _, name := range slices.Sorted(maps.Keys(essential)) {
		all = append(all, notify.Category{Name: name, Essential: essential[name]})
	}
	return all
}
