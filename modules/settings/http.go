// Package settings lets people see and change what their tenant, and they themselves, may choose. What it translates to
// HTTP is decided in the core, behind pkg/settings.
package settings

import (
	"context"

	"github.com/yourorg/platform/modules/settings/internal/api"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/web"
)

type handler struct{ registry settings.Registry }

func newHandler(r settings.Registry) api.StrictServerInterface { return &handler{registry: r} }

func (h *handler) GetSettings(ctx context.Context, _ api.GetSettingsRequestObject) (api.GetSettingsResponseObject, error) {
	view, err := h.registry.View(ctx)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(view.Version)
	return api.GetSettings200JSONResponse{Body: toAPI(view), Headers: api.GetSettings200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) UpdateSettings(ctx context.Context, r api.UpdateSettingsRequestObject) (api.UpdateSettingsResponseObject, error) {
	change := settings.Change{
		Level: settings.Level(r.Body.Scope), Values: make(map[string]any, len(r.Body.Values)), Accepts: web.IfMatch(r.Params.IfMatch).Holds,
	}
	for key, value := range r.Body.Values {
		change.Values[key] = nil
		if value != nil {
			change.Values[key] = *value
		}
	}
	view, err := h.registry.Change(ctx, change)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(view.Version)
	return api.UpdateSettings200JSONResponse{Body: toAPI(view), Headers: api.UpdateSettings200ResponseHeaders{ETag: &tag}}, nil
}

func toAPI(view settings.View) api.Settings {
	items := make([]api.Setting, len(view.Settings))
	for i, s := range view.Settings {
		items[i] = api.Setting{
			Key: s.Key, Description: s.Description, Type: api.SettingType(s.Type),
			Value: s.Value, Source: api.SettingSource(s.Source), Inherited: s.Inherited,
			Levels: make([]api.SettingLevel, len(s.Levels)), Constraints: constraints(s.Definition),
		}
		for j, l := range s.Levels {
			items[i].Levels[j] = api.SettingLevel{
				Scope: api.SettingLevelScope(l.Level), Set: l.Set, Value: l.Value, Changeable: l.Changeable,
			}
		}
	}
	return api.Settings{Items: items}
}

// constraints are the rules that a form can check by itself.
func constraints(d settings.Definition) (c api.SettingConstraints) {
	c.Minimum, c.Maximum = d.Range()
	switch d.Type {
	case settings.Choice:
		c.Values = &d.Values
	case settings.List:
		c.MaxItems, c.MaxLength = &d.MaxItems, &d.MaxLength
	case settings.Text, settings.Secret:
		c.MaxLength = &d.MaxLength
	}
	if d.Pattern != nil {
		pattern := d.Pattern.String()
		c.Pattern = &pattern
	}
	return c
}
