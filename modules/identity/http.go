package identity

import (
	"context"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/web"
)

// handler translates between the contract and identity. Who may call what is in the contract.
type handler struct {
	identity   *identity
	tenancy    *tenancy
	inviting   *inviting
	federation *federation
	providers  *providerAdmin
	cookies    auth.CookieRules
}

func newHandler(
	i *identity, t *tenancy, n *inviting, f *federation, p *providerAdmin, c auth.CookieRules,
) api.StrictServerInterface {
	return &handler{identity: i, tenancy: t, inviting: n, federation: f, providers: p, cookies: c}
}

func (h *handler) Register(ctx context.Context, r api.RegisterRequestObject) (api.RegisterResponseObject, error) {
	n := registration{email: r.Body.Email, password: r.Body.Password, name: r.Body.Name, tenantName: r.Body.TenantName}
	if h.identity.gate.conceal {
		return api.Register202Response{}, h.identity.registerConcealed(ctx, n)
	}
	u, t, err := h.identity.register(ctx, n)
	if err != nil {
		return nil, err
	}
	return api.Register201JSONResponse{User: toAPIUser(u), Tenant: toAPITenant(t)}, nil
}

func (h *handler) Login(ctx context.Context, r api.LoginRequestObject) (api.LoginResponseObject, error) {
	from, err := asked(ctx, r.Body.Transport)
	if err != nil {
		return nil, err
	}
	wish, err := wished(ctx, r.Body.Tenant)
	if err != nil {
		return nil, err
	}
	t, err := h.identity.login(ctx, credentials{email: r.Body.Email, password: r.Body.Password, tenant: wish, from: from})
	if err != nil {
		return nil, err
	}
	answer, err := h.deliver(ctx, t)
	return api.Login200JSONResponse(answer), err
}

func (h *handler) Refresh(ctx context.Context, r api.RefreshRequestObject) (api.RefreshResponseObject, error) {
	o, err := h.offered(ctx, r)
	if err != nil {
		return nil, err
	}
	t, err := h.identity.refresh(ctx, o)
	if err != nil {
		return nil, err
	}
	answer, err := h.deliver(ctx, t)
	return api.Refresh200JSONResponse(answer), err
}

func (h *handler) Logout(ctx context.Context, _ api.LogoutRequestObject) (api.LogoutResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.logout(ctx, caller); err != nil {
		return nil, err
	}
	return api.Logout204Response{}, h.clear(ctx, caller)
}

func (h *handler) Me(ctx context.Context, _ api.MeRequestObject) (api.MeResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	p, err := h.identity.me(ctx, caller)
	if err != nil {
		return nil, err
	}
	permissions := make([]string, len(p.permissions))
	for i, permission := range p.permissions {
		permissions[i] = string(permission)
	}
	shown := api.Me{
		User: toAPIUser(p.user), Tenant: toAPITenant(p.tenant),
		Roles: append([]string{}, p.roles...), Permissions: permissions,
	}
	tag, err := web.Digest(shown)
	return api.Me200JSONResponse{Body: shown, Headers: api.Me200ResponseHeaders{ETag: &tag}}, err
}

func toAPIUser(u User) api.User {
	return api.User{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerifiedAt != nil, Name: u.Name, CreatedAt: u.CreatedAt,
	}
}

func toAPITenant(t Tenant) api.Tenant { return api.Tenant{ID: t.ID, Name: t.Name, Slug: t.Slug} }
