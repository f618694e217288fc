package identity

import (
	"context"
	"slices"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) ListProviders(ctx context.Context, _ api.ListProvidersRequestObject) (api.ListProvidersResponseObject, error) {
	list, err := h.providers.providers.list(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]api.Provider, len(list))
	for i, p := range list {
		if items[i], err = h.toAPIProvider(ctx, p); err != nil {
			return nil, err
		}
	}
	return api.ListProviders200JSONResponse{Items: items}, nil
}

func (h *handler) CreateProvider(ctx context.Context, r api.CreateProviderRequestObject) (api.CreateProviderResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	b := r.Body
	p, err := h.providers.create(ctx, caller, providerChange{
		name: &b.Name, issuer: &b.Issuer, clientID: &b.ClientID, secret: &b.ClientSecret,
		scopes: b.Scopes, domains: b.Domains, defaultRoles: b.DefaultRoles, mapping: toMapping(b.RoleMapping), jit: b.Jit, enabled: b.Enabled,
	})
	if err != nil {
		return nil, err
	}
	body, err := h.toAPIProvider(ctx, p)
	tag, location := web.ETag(p.Version), "/api/v1/identity-providers/"+p.ID.String()
	return api.CreateProvider201JSONResponse{
		Body: body, Headers: api.CreateProvider201ResponseHeaders{ETag: &tag, Location: &location},
	}, err
}

func (h *handler) GetProvider(ctx context.Context, r api.GetProviderRequestObject) (api.GetProviderResponseObject, error) {
	p, err := h.providers.providers.byID(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	body, err := h.toAPIProvider(ctx, p)
	tag := web.ETag(p.Version)
	return api.GetProvider200JSONResponse{Body: body, Headers: api.GetProvider200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) UpdateProvider(ctx context.Context, r api.UpdateProviderRequestObject) (api.UpdateProviderResponseObject, error) {
	b := r.Body
	p, err := h.providers.update(ctx, r.ID, web.IfMatch(r.Params.IfMatch), providerChange{
		name: b.Name, issuer: b.Issuer, clientID: b.ClientID, secret: b.ClientSecret,
		scopes: b.Scopes, domains: b.Domains, defaultRoles: b.DefaultRoles, mapping: toMapping(b.RoleMapping), jit: b.Jit, enabled: b.Enabled,
	})
	if err != nil {
		return nil, err
	}
	body, err := h.toAPIProvider(ctx, p)
	tag := web.ETag(p.Version)
	return api.UpdateProvider200JSONResponse{Body: body, Headers: api.UpdateProvider200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) DeleteProvider(ctx context.Context, r api.DeleteProviderRequestObject) (api.DeleteProviderResponseObject, error) {
	if err := h.providers.remove(ctx, r.ID, web.IfMatch(r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return api.DeleteProvider204Response{}, nil
}

func (h *handler) ProveDomains(ctx context.Context, r api.ProveDomainsRequestObject) (api.ProveDomainsResponseObject, error) {
	p, err := h.providers.prove(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	body, err := h.toAPIProvider(ctx, p)
	return api.ProveDomains200JSONResponse(body), err
}

func (h *handler) toAPIProvider(ctx context.Context, p Provider) (api.Provider, error) {
	out := api.Provider{
		ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, DefaultRoles: p.DefaultRoles,
		Jit: p.JIT, Enabled: p.Enabled, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		StartURL: startPath(p.ID.String(), "start"), CallbackURL: h.federation.callbackURL(p.ID.String()),
		Domains: []api.ProviderDomain{}, RoleMapping: []api.RoleMapping{},
	}
	for _, m := range p.Mapping {
		out.RoleMapping = append(out.RoleMapping, api.RoleMapping{Claim: m.Claim, Value: m.Value, Role: m.Role})
	}
	for _, domain := range p.Domains {
		name, value, err := h.providers.proof(ctx, p.TenantID, domain)
		if err != nil {
			return out, err
		}
		out.Domains = append(out.Domains, api.ProviderDomain{
			Domain: domain, Proved: slices.Contains(p.Proved, domain), RecordName: name, RecordValue: value,
		})
	}
	return out, nil
}

func toMapping(given *api.RoleMappings) *[]RoleMapping {
	if given == nil {
		return nil
	}
	mapping := make([]RoleMapping, len(*given))
	for i, m := range *given {
		mapping[i] = RoleMapping{Claim: m.Claim, Value: m.Value, Role: m.Role}
	}
	return &mapping
}
