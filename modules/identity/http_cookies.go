package identity

import (
	"context"
	"math"
	"time"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/web"
)

// refreshPath is where a browser sends the refresh cookie.
const refreshPath = "/api/v1/auth"

// asked is where a sign-in comes from, and whether it wants cookies. Those are refused to pages of other origins.
func asked[T ~string](ctx context.Context, transport *T) (client, error) {
	from := clientOf(ctx)
	if transport == nil || string(*transport) != "cookie" {
		return from, nil
	}
	from.cookie = true
	_, err := web.CookiesOf(ctx)
	return from, err
}

// deliver answers with tokens, or with the demand for a second factor. Tokens for cookies leave in them, and the answer
// has what the page needs to know.
func (h *handler) deliver(ctx context.Context, t Tokens) (api.Tokens, error) {
	if t.MFAToken != "" {
		required := true
		return api.Tokens{MfaRequired: &required, MfaToken: &t.MFAToken, MfaMethods: &t.MFAMethods}, nil
	}
	// Rounded up: a token is issued for whole seconds, of which a moment has passed.
	kind, expires := api.TokensTokenTypeBearer, int(math.Ceil(t.ExpiresIn.Seconds()))
	if t.CSRF == "" {
		out := api.Tokens{TokenType: &kind, ExpiresIn: &expires, AccessToken: &t.Access}
		if t.Refresh != "" {
			out.RefreshToken = &t.Refresh
		}
		return out, nil
	}
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return api.Tokens{}, err
	}
	jar.Set(h.cookies.Access(t.Access, t.ExpiresIn))
	if t.Refresh != "" {
		jar.Set(h.cookies.Refresh(t.Refresh, refreshPath, t.RefreshIn))
	}
	kind = api.TokensTokenTypeCookie
	return api.Tokens{TokenType: &kind, ExpiresIn: &expires, CsrfToken: &t.CSRF}, nil
}

// clear removes the cookies of a caller who has some.
func (h *handler) clear(ctx context.Context, c *auth.Caller) error {
	if c.CSRF == "" {
		return nil
	}
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return err
	}
	jar.Set(h.cookies.Access("", -time.Second))
	jar.Set(h.cookies.Refresh("", refreshPath, -time.Second))
	return nil
}

// offered is the refresh token in the request, or else the one in its cookie with the proof that a page of ours asks.
func (h *handler) offered(ctx context.Context, r api.RefreshRequestObject) (offer, error) {
	if r.Body != nil {
		return offer{secret: r.Body.RefreshToken}, nil
	}
	secret, err := h.kept(ctx)
	o := offer{secret: secret, cookie: true}
	if r.Params.XCSRFToken != nil {
		o.csrf = *r.Params.XCSRFToken
	}
	return o, err
}

// kept is the refresh token in the request's cookie.
func (h *handler) kept(ctx context.Context) (string, error) {
	jar, err := web.CookiesOf(ctx)
	if err != nil {
		return "", err
	}
	secret := jar.Get(h.cookies.RefreshName())
	if secret == "" {
		return "", identityapi.ErrRefreshMissing
	}
	return secret, nil
}

func (h *handler) CsrfToken(ctx context.Context, _ api.CsrfTokenRequestObject) (api.CsrfTokenResponseObject, error) {
	secret, err := h.kept(ctx)
	if err != nil {
		return nil, err
	}
	token, err := h.identity.csrfOf(ctx, secret)
	if err != nil {
		return nil, err
	}
	return api.CsrfToken200JSONResponse{CsrfToken: token}, nil
}
