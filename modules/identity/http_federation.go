package identity

import (
	"context"
	"errors"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) ListSignInProviders(ctx context.Context, r api.ListSignInProvidersRequestObject) (api.ListSignInProvidersResponseObject, error) {
	list, err := h.federation.choices(ctx, or(r.Params.Tenant))
	if err != nil {
		return nil, err
	}
	items := make([]api.SignInProvider, len(list))
	for i, c := range list {
		items[i] = api.SignInProvider{Name: c.name, StartURL: startPath(c.key, "start")}
	}
	return api.ListSignInProviders200JSONResponse{Items: items}, nil
}

func (h *handler) StartSignIn(ctx context.Context, r api.StartSignInRequestObject) (api.StartSignInResponseObject, error) {
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return nil, err
	}
	address, p, err := h.federation.start(ctx, destination{provider: r.Provider, returnTo: or(r.Params.ReturnTo), wish: or(r.Params.Tenant)})
	if err != nil {
		return nil, err
	}
	jar.Set(p.held(h.cookies, journeyTTL))
	return api.StartSignIn302Response{Headers: api.StartSignIn302ResponseHeaders{Location: &address}}, nil
}

// FinishSignIn sends the browser on. Where there is a front end, it is told what went wrong too: nobody who signs in
// wants to look at JSON. What is ours to mend is an error as everywhere.
func (h *handler) FinishSignIn(ctx context.Context, r api.FinishSignInRequestObject) (api.FinishSignInResponseObject, error) {
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return nil, err
	}
	state := or(r.Params.State)
	page, p, err := h.federation.finish(ctx, comeback{
		provider: r.Provider, state: state, cookie: jar.Get(passCookie(h.cookies.Secure, state)),
		code: or(r.Params.Code), iss: or(r.Params.Iss), fault: or(r.Params.Error),
	})
	if err != nil {
		told, ok := errors.AsType[*problem.Problem](err)
		if !ok || told.Kind == problem.Internal || h.federation.cfg.PublicURL == "" {
			return nil, err
		}
		page = "/sign-in#error=" + told.Code
	}
	if state != "" {
		jar.Set(forgotten(h.cookies, state))
	}
	if p.secret != "" {
		jar.Set(p.held(h.cookies, exchangeTTL))
	}
	address := h.federation.mail.base + page
	return api.FinishSignIn302Response{Headers: api.FinishSignIn302ResponseHeaders{Location: &address}}, nil
}

func (h *handler) ExchangeSignIn(ctx context.Context, r api.ExchangeSignInRequestObject) (api.ExchangeSignInResponseObject, error) {
	from, err := asked(ctx, r.Body.Transport)
	if err != nil {
		return nil, err
	}
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return nil, err
	}
	t, err := h.federation.exchange(ctx, pass{secret: r.Body.Code, cookie: jar.Get(passCookie(h.cookies.Secure, r.Body.Code))}, from)
	if err != nil {
		return nil, err
	}
	jar.Set(forgotten(h.cookies, r.Body.Code))
	answer, err := h.deliver(ctx, t)
	return api.ExchangeSignIn200JSONResponse(answer), err
}

func (h *handler) ListMyIdentities(ctx context.Context, _ api.ListMyIdentitiesRequestObject) (api.ListMyIdentitiesResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	list, err := h.identity.users.identities(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	return api.ListMyIdentities200JSONResponse{Items: toAPIIdentities(list)}, nil
}

func (h *handler) LinkMyIdentity(ctx context.Context, r api.LinkMyIdentityRequestObject) (api.LinkMyIdentityResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return nil, err
	}
	address, p, err := h.federation.startLink(ctx, caller, destination{provider: r.Body.Provider, returnTo: or(r.Body.ReturnTo)})
	if err != nil {
		return nil, err
	}
	jar.Set(p.held(h.cookies, journeyTTL))
	return api.LinkMyIdentity200JSONResponse{URL: address}, nil
}

func (h *handler) UnlinkMyIdentity(ctx context.Context, r api.UnlinkMyIdentityRequestObject) (api.UnlinkMyIdentityResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.federation.unlink(ctx, caller.UserID, r.ID); err != nil {
		return nil, err
	}
	return api.UnlinkMyIdentity204Response{}, nil
}

func toAPIIdentities(list []linked) []api.FederatedIdentity {
	items := make([]api.FederatedIdentity, len(list))
	for i, l := range list {
		items[i] = api.FederatedIdentity{
			ID: l.ID, Provider: l.Provider, Issuer: l.Issuer, Email: l.Email, CreatedAt: l.CreatedAt, LastUsedAt: l.LastUsedAt,
		}
	}
	return items
}

// or is the text that was given, or none.
func or(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
