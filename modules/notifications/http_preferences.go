package notifications

import (
	"context"

	"github.com/yourorg/platform/modules/notifications/internal/api"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) GetMyNotificationPreferences(ctx context.Context, _ api.GetMyNotificationPreferencesRequestObject) (api.GetMyNotificationPreferencesResponseObject, error) {
	p, categories, err := h.preferences.Preferences(ctx, me(ctx))
	if err != nil {
		return nil, err
	}
	shown := toPreferences(p, categories)
	tag, err := web.Digest(shown)
	return api.GetMyNotificationPreferences200JSONResponse{Body: shown, Headers: api.GetMyNotificationPreferences200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) UpdateMyNotificationPreferences(ctx context.Context, r api.UpdateMyNotificationPreferencesRequestObject) (api.UpdateMyNotificationPreferencesResponseObject, error) {
	seen := func(p notify.Preferences, categories []notify.Category) bool {
		tag, err := web.Digest(toPreferences(p, categories))
		return err == nil && web.IfMatch(r.Params.IfMatch).HoldsFor(tag)
	}
	p, categories, err := h.preferences.Prefer(ctx, me(ctx), seen, func(p *notify.Preferences) {
		if r.Body.Digest != nil {
			p.Digest = string(*r.Body.Digest)
		}
		if q := r.Body.QuietHours; q != nil {
			p.QuietFrom, p.QuietUntil = q.From, q.Until
			if q.From == q.Until {
				p.QuietFrom, p.QuietUntil = "", ""
			}
		}
		if r.Body.Categories == nil {
			return
		}
		for _, c := range *r.Body.Categories {
			for channel, wanted := range c.Channels {
				p.Choose(c.Name, channel, wanted)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	shown := toPreferences(p, categories)
	tag, err := web.Digest(shown)
	return api.UpdateMyNotificationPreferences200JSONResponse{Body: shown, Headers: api.UpdateMyNotificationPreferences200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) GetSubscription(ctx context.Context, r api.GetSubscriptionRequestObject) (api.GetSubscriptionResponseObject, error) {
	category, err := h.preferences.Subscription(ctx, r.Params.Token)
	if err != nil {
		return nil, err
	}
	return api.GetSubscription200JSONResponse{Category: category}, nil
}

func (h *handler) Unsubscribe(ctx context.Context, r api.UnsubscribeRequestObject) (api.UnsubscribeResponseObject, error) {
	category, err := h.preferences.Unsubscribe(ctx, r.Params.Token)
	if err != nil {
		return nil, err
	}
	return api.Unsubscribe200JSONResponse{Category: category}, nil
}

func toPreferences(p notify.Preferences, categories []notify.Category) api.Preferences {
	out := api.Preferences{Digest: api.Digest(p.Digest), Categories: make([]api.Category, len(categories))}
	if p.QuietFrom != "" {
		out.QuietHours = &api.QuietHours{From: p.QuietFrom, Until: p.QuietUntil}
	}
	for i, c := range categories {
		channels := p.Categories[c.Name]
		if channels == nil {
			channels = map[string]bool{}
		}
		out.Categories[i] = api.Category{Name: c.Name, Essential: c.Essential, Channels: channels}
	}
	return out
}
