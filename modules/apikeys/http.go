package apikeys

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/apikeys/apikeysapi"
	"github.com/yourorg/platform/modules/apikeys/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

// handler translates between the contract and the keys. Who may call what is in the contract.
type handler struct {
	keys   *apikeys
	issuer *issuer
}

func newHandler(k *apikeys, i *issuer) api.StrictServerInterface { return &handler{keys: k, issuer: i} }

func (h *handler) ListAPIKeys(ctx context.Context, r api.ListAPIKeysRequestObject) (api.ListAPIKeysResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := page.Size(r.Params.Limit)
	list, err := h.keys.list(ctx, caller, before, limit+1)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(list, limit, func(k Key) uuid.UUID { return k.ID })
	items := make([]api.Key, len(list))
	for i, k := range list {
		items[i] = toAPI(k)
	}
	return api.ListAPIKeys200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CreateAPIKey(ctx context.Context, r api.CreateAPIKeyRequestObject) (api.CreateAPIKeyResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	d := draft{name: r.Body.Name, permissions: r.Body.Permissions, expires: r.Body.ExpiresAt}
	d.personal = r.Body.Kind != nil && *r.Body.Kind == api.KeyKindPersonal
	if r.Body.AllowedIps != nil {
		d.networks = *r.Body.AllowedIps
	}
	k, text, err := h.keys.create(ctx, caller, d)
	if err != nil {
		return nil, err
	}
	location := "/api/v1/api-keys/" + k.ID.String()
	return api.CreateAPIKey201JSONResponse{
		Body: withSecret(k, text), Headers: api.CreateAPIKey201ResponseHeaders{Location: &location},
	}, nil
}

func (h *handler) GetAPIKey(ctx context.Context, r api.GetAPIKeyRequestObject) (api.GetAPIKeyResponseObject, error) {
	k, err := h.keys.read(ctx, r.ID, apikeysapi.PermKeyRead)
	if err != nil {
		return nil, err
	}
	tag, err := etag(k)
	return api.GetAPIKey200JSONResponse{Body: toAPI(k), Headers: api.GetAPIKey200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) CurrentAPIKey(ctx context.Context, _ api.CurrentAPIKeyRequestObject) (api.CurrentAPIKeyResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if caller.Key == nil {
		return nil, apikeysapi.ErrKeyNotFound
	}
	k, err := h.keys.store.byID(ctx, caller.Key.ID)
	if err != nil {
		return nil, err
	}
	k.Permissions = caller.Key.Permissions() // a token may have fewer
	return api.CurrentAPIKey200JSONResponse(toAPI(k)), nil
}

func (h *handler) UpdateAPIKey(ctx context.Context, r api.UpdateAPIKeyRequestObject) (api.UpdateAPIKeyResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	k, err := h.keys.change(ctx, caller, r.ID, web.IfMatch(r.Params.IfMatch), r.Body.Name, r.Body.AllowedIps)
	if err != nil {
		return nil, err
	}
	tag, err := etag(k)
	return api.UpdateAPIKey200JSONResponse{Body: toAPI(k), Headers: api.UpdateAPIKey200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) RotateAPIKey(ctx context.Context, r api.RotateAPIKeyRequestObject) (api.RotateAPIKeyResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	overlap := time.Duration(r.Body.OverlapSeconds) * time.Second
	k, text, err := h.keys.rotate(ctx, caller, r.ID, overlap, r.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	return api.RotateAPIKey200JSONResponse(withSecret(k, text)), nil
}

func (h *handler) DeleteAPIKey(ctx context.Context, r api.DeleteAPIKeyRequestObject) (api.DeleteAPIKeyResponseObject, error) {
	if err := h.keys.remove(ctx, r.ID, web.IfMatch(r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return api.DeleteAPIKey204Response{}, nil
}

func (h *handler) IssueToken(ctx context.Context, r api.IssueTokenRequestObject) (api.IssueTokenResponseObject, error) {
	g, err := h.issuer.issue(ctx, demand{
		authorization: value(r.Params.Authorization), grantType: r.Body.GrantType, scope: value(r.Body.Scope),
		clientID: value(r.Body.ClientID), clientSecret: value(r.Body.ClientSecret),
	})
	if err != nil {
		return nil, err
	}
	scope := joinPermissions(g.scope)
	return api.IssueToken200JSONResponse{
		AccessToken: g.token, TokenType: api.TokenTokenTypeBearer, ExpiresIn: int(g.expiresIn.Seconds()), Scope: scope,
	}, nil
}

func toAPI(k Key) api.Key {
	out := api.Key{
		ID: k.ID, Name: k.Name, Kind: api.KeyKindTenant, Permissions: strings.Fields(joinPermissions(k.Permissions)),
		AllowedIps: strings.Fields(join(k.Networks)), CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt,
		LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP, Secrets: make([]api.Secret, len(k.Secrets)),
	}
	if k.personal() {
		out.Kind, out.UserID = api.KeyKindPersonal, &k.UserID
	}
	for i, s := range k.Secrets {
		out.Secrets[i] = api.Secret{Prefix: s.Prefix, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
	}
	if len(k.Secrets) > 0 {
		out.Prefix = k.Secrets[0].Prefix
	}
	return out
}

// etag is of what people change. The last use is left out: a key that is in use could never be changed otherwise.
func etag(k Key) (string, error) {
	k.LastUsedAt, k.LastUsedIP = nil, nil
	return web.Digest(toAPI(k))
}

func withSecret(k Key, text auth.KeyText) api.KeyWithSecret {
	a := toAPI(k)
	return api.KeyWithSecret{
		ID: a.ID, Name: a.Name, Kind: a.Kind, Prefix: a.Prefix, Permissions: a.Permissions, AllowedIps: a.AllowedIps,
		UserID: a.UserID, CreatedBy: a.CreatedBy, CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt,
		LastUsedAt: a.LastUsedAt, LastUsedIP: a.LastUsedIP, Secrets: a.Secrets, Key: string(text),
	}
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
