package settings

import (
	"context"

	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/settings"
)

// View implements settings.Registry.
func (r *Registry) View(ctx context.Context) (settings.View, error) {
	own, err := who(ctx)
	if err != nil {
		return settings.View{}, err
	}
	var s scopes
	if s.tenant, err = r.find(ctx, scopeID{tenant: own.tenant}); err != nil {
		return settings.View{}, err
	}
	if s.user, err = r.find(ctx, own); err != nil {
		return settings.View{}, err
	}
	return r.show(ctx, s)
}

// show leaves out what the caller may not see.
func (r *Registry) show(ctx context.Context, s scopes) (settings.View, error) {
	view := settings.View{Version: s.version(), Settings: []settings.State{}}
	for _, d := range r.sorted {
		visible, err := r.visible(ctx, d)
		if err != nil {
			return settings.View{}, err
		}
		if !visible {
			continue
		}
		state := settings.State{Definition: d.Definition, Inherited: d.shown(d.inherited)}
		value, source := d.resolve(s)
		state.Value, state.Source = d.shown(value), source
		for _, level := range []settings.Level{settings.Tenant, settings.User} {
			if !d.Allows(level) {
				continue
			}
			value, set := s.at(level).get(d.Key)
			changeable, err := r.changeable(ctx, d, level)
			if err != nil {
				return settings.View{}, err
			}
			state.Levels = append(state.Levels, settings.AtLevel{Level: level, Set: set, Value: d.shown(value), Changeable: changeable})
		}
		view.Settings = append(view.Settings, state)
	}
	return view, nil
}

// shown is a value for an answer: nothing of a secret, not even whether the environment has one.
func (d definition) shown(value any) any {
	if d.Type == settings.Secret || value == nil {
		return nil
	}
	return d.Plain(value)
}

func (r *Registry) visible(ctx context.Context, d definition) (bool, error) {
	if d.Read == "" {
		return true, nil
	}
	return r.holds(ctx, d.Read)
}

// changeable tells whether the caller may change a setting that they see, at a level.
func (r *Registry) changeable(ctx context.Context, d definition, l settings.Level) (bool, error) {
	if l == settings.User {
		return true, nil
	}
	return r.holds(ctx, d.Changes())
}

func (r *Registry) holds(ctx context.Context, p perm.Permission) (bool, error) {
	err := r.access.Authorize(ctx, p)
	if err != nil && problem.From(err).Kind == problem.Forbidden {
		return false, nil
	}
	return err == nil, err
}
