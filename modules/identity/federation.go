package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/tenant"
)

// federation is how people sign in with identity providers.
type federation struct {
	*identity

	tenancy   *tenancy
	providers *providers
	journeys  *journeys
	openID    *openID
	sealer    secret.Sealer

	upstreams map[string]upstream // of the configuration
	api       string              // where browsers reach this API, without a slash at the end
}

func newFederation(i *identity, t *tenancy, p *providers, j *journeys, o *openID, s secret.Sealer) *federation {
	f := &federation{
		identity: i, tenancy: t, providers: p, journeys: j, openID: o, sealer: s,
		upstreams: i.cfg.OIDC.upstreams(), api: strings.TrimRight(i.cfg.OIDC.APIURL, "/"),
	}
	if f.api == "" {
		f.api = i.mail.base
	}
	return f
}

func (f *federation) callbackURL(provider string) string {
	return f.api + startPath(provider, "callback")
}

func startPath(provider, page string) string { return "/api/v1/auth/oidc/" + provider + "/" + page }

// upstream finds a provider of the configuration, or one of a tenant that is there.
func (f *federation) upstream(ctx context.Context, key string) (upstream, error) {
	if u, ok := f.upstreams[key]; ok {
		return u, nil
	}
	id, err := uuid.Parse(key)
	if err != nil || id.String() != key {
		return upstream{}, identityapi.ErrProviderUnknown
	}
	p, err := f.providers.byID(ctx, id)
	if err != nil {
		return upstream{}, hidden(err)
	}
	home, err := f.tenants.byID(ctx, p.TenantID)
	switch {
	case err != nil:
		return upstream{}, err
	case !p.Enabled || home.EraseAt != nil:
		return upstream{}, identityapi.ErrProviderUnknown
	case home.SuspendedAt != nil:
		return upstream{}, identityapi.ErrTenantSuspended
	}
	plain, err := f.sealer.Open(p.Secret, p.sealedFor())
	if err != nil {
		return upstream{}, fmt.Errorf("open the secret of an identity provider: %w", err)
	}
	return upstream{
		key: key, name: "the identity provider of " + home.Slug, issuer: p.Issuer, clientID: p.ClientID, secret: string(plain),
		scopes: p.Scopes, owner: &p,
	}, nil
}

// destination is what somebody asks for who begins.
type destination struct {
	provider, returnTo, wish string
	linking                  *uuid.UUID
}

// start begins a journey. It returns where the browser goes, and what it keeps.
func (f *federation) start(ctx context.Context, d destination) (address string, p pass, err error) {
	ctx = tenant.System(ctx, "sign-in with an identity provider")
	if d.returnTo, err = checkReturnTo(d.returnTo); err != nil {
		return "", p, err
	}
	u, err := f.upstream(ctx, d.provider)
	if err != nil {
		return "", p, err
	}
	if u.owner != nil {
		d.wish = u.owner.TenantID.String()
	}
	p = newPass()
	s := secrets{Nonce: newSecret(), Verifier: oauth2.GenerateVerifier()}
	if address, err = f.openID.authorizeURL(ctx, u, f.callbackURL(u.key), p.secret, s); err != nil {
		return "", p, err
	}
	j, err := f.begin(u, d, p, s)
	if err != nil {
		return "", p, err
	}
	return address, p, f.journeys.insert(ctx, j)
}

func (f *federation) begin(u upstream, d destination, p pass, s secrets) (journey, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return journey{}, err
	}
	plain, err := s.encode()
	if err != nil {
		return journey{}, err
	}
	sealed, err := f.sealer.Seal(plain, journeyContext(id))
	if err != nil {
		return journey{}, fmt.Errorf("seal the secrets of a sign-in: %w", err)
	}
	at := now()
	return journey{
		ID: id, Provider: u.key, Hash: hashToken(p.secret), Browser: hashToken(p.cookie), Sealed: sealed,
		ReturnTo: d.returnTo, Wish: d.wish, Linking: d.linking, CreatedAt: at, ExpiresAt: at.Add(journeyTTL),
	}, nil
}

func journeyContext(id uuid.UUID) string { return "identity_federations/" + id.String() }

// comeback is what a browser brings from an identity provider.
type comeback struct{ provider, state, cookie, code, iss, fault string }

// finish ends the way through an identity provider. It returns the page of the front end that comes next, and what the
// browser keeps for it: nothing where an identity was linked.
func (f *federation) finish(ctx context.Context, c comeback) (page string, p pass, err error) {
	ctx = tenant.System(ctx, "sign-in with an identity provider")
	j, ok, err := f.journeys.claim(ctx, c.provider, hashToken(c.state), hashToken(c.cookie), now())
	if err != nil {
		return "", p, err
	}
	if !ok {
		return "", p, identityapi.ErrSignInState
	}
	if c.fault != "" || c.code == "" {
		return "", p, identityapi.ErrSignInDenied
	}
	u, err := f.upstream(ctx, j.Provider)
	if err != nil {
		return "", p, err
	}
	plain, err := f.sealer.Open(j.Sealed, journeyContext(j.ID))
	if err != nil {
		return "", p, fmt.Errorf("open the secrets of a sign-in: %w", err)
	}
	var s secrets
	if err := json.Unmarshal(plain, &s); err != nil {
		return "", p, fmt.Errorf("read the secrets of a sign-in: %w", err)
	}
	v, err := f.openID.redeem(ctx, u, f.callbackURL(u.key), c.code, c.iss, s)
	if err != nil {
		return "", p, err
	}
	if err := u.speaksFor(v); err != nil {
		return "", p, err
	}
	if j.Linking != nil {
		err := f.tx.InTx(ctx, func(ctx context.Context) error { return f.linkTo(ctx, u, v, *j.Linking) })
		return j.ReturnTo + "#linked=" + u.key, p, err
	}
	p = newPass()
	err = f.tx.InTx(ctx, func(ctx context.Context) error {
		who, err := f.recognize(ctx, u, v)
		if err != nil {
			return err
		}
		j.UserID, j.AuthenticatedAt = who.ID, v.at
		j.Hash, j.Browser, j.ExpiresAt = hashToken(p.secret), hashToken(p.cookie), now().Add(exchangeTTL)
		return f.journeys.arrive(ctx, j)
	})
	if err != nil {
		return "", pass{}, fmt.Errorf("sign in with %s: %w", u.key, err)
	}
	return j.ReturnTo + "#code=" + p.secret, p, nil
}

// exchange ends a journey with a session.
func (f *federation) exchange(ctx context.Context, p pass, from client) (Tokens, error) {
	ctx = tenant.System(ctx, "sign-in with an identity provider")
	j, ok, err := f.journeys.take(ctx, hashToken(p.secret), hashToken(p.cookie), now())
	if err != nil {
		return Tokens{}, err
	}
	if !ok {
		return Tokens{}, identityapi.ErrSignInExpired
	}
	u, err := f.users.byID(ctx, j.UserID)
	if err != nil {
		return Tokens{}, err
	}
	if u.DisabledAt != nil {
		return Tokens{}, identityapi.ErrUserDisabled
	}
	memberships, err := f.tenants.of(ctx, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	t, refused := choose(memberships, j.Wish)
	return f.arrive(ctx, arrival{
		user: u, tenant: t, refused: refused, from: from,
		proof: authentication{at: j.AuthenticatedAt, methods: []string{auth.MethodFederated}},
	})
}

// choice is a provider to choose from.
type choice struct{ key, name string }

// choices lists the providers of the configuration by name and then those of a tenant, if there is one of that slug.
func (f *federation) choices(ctx context.Context, slug string) ([]choice, error) {
	var all []choice
	for _, key := range sorted(names(f.upstreams)) {
		all = append(all, choice{key, f.upstreams[key].name})
	}
	if slug == "" {
		return all, nil
	}
	home, err := f.tenants.BySlug(tenant.System(ctx, "identity providers of a tenant"), slug)
	if err != nil || home == uuid.Nil {
		return all, err
	}
	list, err := f.providers.list(tenant.NewContext(ctx, home))
	for _, p := range list {
		if p.Enabled {
			all = append(all, choice{p.ID.String(), p.Name})
		}
	}
	return all, err
}

// freshFor is how old a sign-in may be for what gives somebody a way into the account.
const freshFor = 15 * time.Minute

// startLink begins a journey that links an identity to the caller.
func (f *federation) startLink(ctx context.Context, c *auth.Caller, d destination) (string, pass, error) {
	if c.SessionID == uuid.Nil {
		return "", pass{}, identityapi.ErrSessionRequired
	}
	if now().Sub(c.AuthenticatedAt) > freshFor {
		return "", pass{}, identityapi.ErrSignInAgain
	}
	d.linking = &c.UserID
	return f.start(ctx, d)
}
