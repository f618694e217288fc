package notifications

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/notifications/internal/api"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) ListNotificationTemplates(ctx context.Context, _ api.ListNotificationTemplatesRequestObject) (api.ListNotificationTemplatesResponseObject, error) {
	all, err := h.catalog.Templates(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]api.Template, len(all))
	for i, t := range all {
		var sample any
		if err := json.Unmarshal(t.Sample, &sample); err != nil {
			return nil, fmt.Errorf("decode the sample of %s: %w", t.Name, err)
		}
		items[i] = api.Template{
			Name: t.Name, Category: t.Category, Essential: t.Essential, Replaceable: !t.Fixed,
			Channels: list(t.Channels), Locales: list(t.Locales), Custom: list(t.Custom), Sample: sample,
		}
	}
	return api.ListNotificationTemplates200JSONResponse{Items: items}, nil
}

// list is never null.
func list(texts []string) []string { return append([]string{}, texts...) }

func (h *handler) GetNotificationTemplate(ctx context.Context, r api.GetNotificationTemplateRequestObject) (api.GetNotificationTemplateResponseObject, error) {
	c, err := h.catalog.Source(ctx, r.Name, r.Locale)
	if err != nil {
		return nil, err
	}
	shown := toSource(r.Name, r.Locale, c)
	tag, err := web.Digest(shown)
	return api.GetNotificationTemplate200JSONResponse{Body: shown, Headers: api.GetNotificationTemplate200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) ReplaceNotificationTemplate(ctx context.Context, r api.ReplaceNotificationTemplateRequestObject) (api.ReplaceNotificationTemplateResponseObject, error) {
	src := notify.Source{Subject: r.Body.Subject, Text: r.Body.Text}
	if r.Body.HTML != nil {
		src.HTML = *r.Body.HTML
	}
	if r.Body.Short != nil {
		src.Short = *r.Body.Short
	}
	c, err := h.catalog.Replace(ctx, r.Name, r.Locale, src, accepted(r.Name, r.Locale, r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	shown := toSource(r.Name, r.Locale, c)
	tag, err := web.Digest(shown)
	return api.ReplaceNotificationTemplate200JSONResponse{Body: shown, Headers: api.ReplaceNotificationTemplate200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) RestoreNotificationTemplate(ctx context.Context, r api.RestoreNotificationTemplateRequestObject) (api.RestoreNotificationTemplateResponseObject, error) {
	if err := h.catalog.Restore(ctx, r.Name, r.Locale, accepted(r.Name, r.Locale, r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return api.RestoreNotificationTemplate204Response{}, nil
}

func (h *handler) PreviewNotificationTemplate(ctx context.Context, r api.PreviewNotificationTemplateRequestObject) (api.PreviewNotificationTemplateResponseObject, error) {
	var data any
	if r.Body.Data != nil {
		data = *r.Body.Data
	}
	p, err := h.catalog.Preview(ctx, r.Name, r.Locale, data)
	if err != nil {
		return nil, err
	}
	return api.PreviewNotificationTemplate200JSONResponse{Locale: p.Locale, Subject: p.Subject, Text: p.Text, HTML: p.HTML, Short: p.Short}, nil
}

// accepted asks for the source that the caller has seen.
func accepted(name, locale string, ifMatch *string) func(notify.Custom) bool {
	return func(c notify.Custom) bool {
		tag, err := web.Digest(toSource(name, locale, c))
		return err == nil && web.IfMatch(ifMatch).HoldsFor(tag)
	}
}

func toSource(name, locale string, c notify.Custom) api.TemplateSource {
	out := api.TemplateSource{
		Name: name, Locale: locale, Subject: c.Subject, Text: c.Text, HTML: c.HTML, Short: c.Short, Custom: !c.Updated.IsZero(),
	}
	if out.Custom {
		out.UpdatedAt = &c.Updated
		if c.UpdatedBy != uuid.Nil {
			out.UpdatedBy = &c.UpdatedBy
		}
	}
	return out
}
