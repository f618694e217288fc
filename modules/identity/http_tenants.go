package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) SwitchTenant(ctx context.Context, r api.SwitchTenantRequestObject) (api.SwitchTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	to := another{tenant: r.Body.Tenant, from: clientOf(ctx)}
	to.from.cookie = caller.CSRF != ""
	t, err := h.identity.switchTo(ctx, caller, to)
	if err != nil {
		return nil, err
	}
	answer, err := h.deliver(ctx, t)
	return api.SwitchTenant200JSONResponse(answer), err
}

func (h *handler) ListTenants(ctx context.Context, r api.ListTenantsRequestObject) (api.ListTenantsResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	all := r.Params.Scope != nil && *r.Params.Scope == api.ListTenantsParamsScopeAll
	size := page.Size(r.Params.Limit)
	list, err := h.tenancy.list(ctx, caller, all, before, size+1)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(list, size, func(t Tenant) uuid.UUID { return t.ID })
	items := make([]api.TenantDetails, len(list))
	for i, t := range list {
		items[i] = toAPITenantDetails(t)
	}
	return api.ListTenants200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CreateTenant(ctx context.Context, r api.CreateTenantRequestObject) (api.CreateTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	slug := ""
	if r.Body.Slug != nil {
		slug = *r.Body.Slug
	}
	t, err := h.tenancy.create(ctx, caller, r.Body.Name, slug)
	if err != nil {
		return nil, err
	}
	tag, location := web.ETag(t.Version), "/api/v1/tenants/"+t.ID.String()
	return api.CreateTenant201JSONResponse{
		Body: toAPITenantDetails(t), Headers: api.CreateTenant201ResponseHeaders{ETag: &tag, Location: &location},
	}, nil
}

func (h *handler) GetTenant(ctx context.Context, r api.GetTenantRequestObject) (api.GetTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	t, err := h.tenancy.get(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(t.Version)
	return api.GetTenant200JSONResponse{Body: toAPITenantDetails(t), Headers: api.GetTenant200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) UpdateTenant(ctx context.Context, r api.UpdateTenantRequestObject) (api.UpdateTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	t, err := h.tenancy.update(ctx, caller, r.ID, web.IfMatch(r.Params.IfMatch), tenantChange{name: r.Body.Name, slug: r.Body.Slug, requireMFA: r.Body.RequireMfa})
	if err != nil {
		return nil, err
	}
	tag := web.ETag(t.Version)
	return api.UpdateTenant200JSONResponse{Body: toAPITenantDetails(t), Headers: api.UpdateTenant200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) DeleteTenant(ctx context.Context, r api.DeleteTenantRequestObject) (api.DeleteTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	t, err := h.tenancy.remove(ctx, caller, r.ID, web.IfMatch(r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return api.DeleteTenant202JSONResponse(toAPITenantDetails(t)), nil
}

func (h *handler) SuspendTenant(ctx context.Context, r api.SuspendTenantRequestObject) (api.SuspendTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	t, err := h.tenancy.suspend(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	return api.SuspendTenant200JSONResponse(toAPITenantDetails(t)), nil
}

func (h *handler) ResumeTenant(ctx context.Context, r api.ResumeTenantRequestObject) (api.ResumeTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	t, err := h.tenancy.resume(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	return api.ResumeTenant200JSONResponse(toAPITenantDetails(t)), nil
}

func toAPITenantDetails(t Tenant) api.TenantDetails {
	return api.TenantDetails{
		ID: t.ID, Name: t.Name, Slug: t.Slug, Status: api.TenantDetailsStatus(t.status()), CreatedAt: t.CreatedAt, EraseAt: utc(t.EraseAt),
		RequireMfa: t.RequireMFA,
	}
}
