package settings

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// Change implements settings.Registry.
func (r *Registry) Change(ctx context.Context, c settings.Change) (view settings.View, err error) {
	own, err := who(ctx)
	if err != nil {
		return settings.View{}, err
	}
	wish, err := r.wish(ctx, c)
	if err != nil {
		return settings.View{}, err
	}
	target := own
	if c.Level == settings.Tenant {
		target.user = uuid.Nil
	}
	err = r.run.InTx(ctx, func(ctx context.Context) error {
		if err := r.lock(ctx, target); err != nil {
			return err
		}
		before, err := r.readBoth(ctx, own)
		if err != nil {
			return err
		}
		if c.Accepts != nil && !c.Accepts(before.version()) {
			return settings.ErrChanged
		}
		if err := r.apply(ctx, before.at(c.Level), wish); err != nil {
			return err
		}
		after, err := r.readBoth(ctx, own)
		if err != nil {
			return err
		}
		view, err = r.show(ctx, after)
		return err
	})
	if err != nil {
		return settings.View{}, fmt.Errorf("change settings: %w", err)
	}
	return view, nil
}

// who returns the scope of the caller in ctx, who must act in the tenant in ctx.
func who(ctx context.Context) (scopeID, error) {
	caller, known := auth.FromContext(ctx)
	id, within := tenant.FromContext(ctx)
	if !known || !within || id != caller.TenantID || caller.UserID == uuid.Nil {
		return scopeID{}, fmt.Errorf("settings: nobody is calling: %w", settings.ErrNotPermitted)
	}
	return scopeID{tenant: id, user: caller.UserID}, nil
}

// wish turns a change into values of the Go types, nil for those to reset, or names all that keep it from being one.
// What the caller may not do is said before what cannot be.
func (r *Registry) wish(ctx context.Context, c settings.Change) (map[string]any, error) {
	wish := make(map[string]any, len(c.Values))
	var refused, bad []problem.Field
	for _, key := range slices.Sorted(maps.Keys(c.Values)) {
		at := func(code, message string) problem.Field {
			return problem.Field{Field: "values." + key, Code: code, Message: message}
		}
		d, known := r.byKey[key]
		visible, err := r.visible(ctx, d)
		switch {
		case err != nil:
			return nil, err
		case !known || !visible:
			bad = append(bad, problem.Field{Field: "values." + shortened(key), Code: "unknown", Message: "is not a setting"})
			continue
		case !d.Allows(c.Level):
			bad = append(bad, at("level", "cannot be set for the "+string(c.Level)))
			continue
		}
		permitted, err := r.changeable(ctx, d, c.Level)
		if err != nil {
			return nil, err
		}
		if !permitted {
			refused = append(refused, at("not_permitted", "needs the permission "+string(d.Changes())))
			continue
		}
		if c.Values[key] == nil {
			wish[key] = nil
			continue
		}
		value, err := d.Parse(c.Values[key])
		if err != nil {
			bad = append(bad, at(code(err), err.Error()))
			continue
		}
		wish[key] = value
	}
	if len(refused) > 0 {
		return nil, settings.ErrNotPermitted.With(refused...)
	}
	if len(bad) > 0 {
		return nil, settings.ErrInvalid.With(bad...)
	}
	return wish, nil
}

func code(err error) string {
	if f, ok := err.(*settings.Fault); ok { //nolint:errorlint // Parse returns it as it is
		return f.Code
	}
	return "invalid"
}

// apply writes what differs, and counts and announces it as one change.
func (r *Registry) apply(ctx context.Context, before *scope, wish map[string]any) error {
	changed := false
	for _, key := range slices.Sorted(maps.Keys(wish)) { // in one order, so that the audit trail has one too
		did, err := r.write(ctx, before, r.byKey[key], wish[key])
		if err != nil {
			return fmt.Errorf("write the setting %s: %w", key, err)
		}
		changed = changed || did
	}
	if !changed {
		return nil
	}
	return r.advance(ctx, before.id)
}

// readBoth reads what counts for a user, as the transaction in ctx sees it.
func (r *Registry) readBoth(ctx context.Context, own scopeID) (s scopes, err error) {
	if s.tenant, err = r.read(ctx, scopeID{tenant: own.tenant}); err != nil {
		return s, err
	}
	s.user, err = r.read(ctx, own)
	return s, err
}

func (s scopes) at(l settings.Level) *scope {
	if l == settings.Tenant {
		return s.tenant
	}
	return s.user
}

func same(d definition, a, b any) bool { return reflect.DeepEqual(d.Plain(a), d.Plain(b)) }

func reveal(value any) string {
	s, _ := value.(config.Secret)
	return s.Reveal()
}

// shortened is a key that somebody made up, fit for an answer.
func shortened(key string) string {
	const most = 100
	if runes := []rune(key); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return key
}
