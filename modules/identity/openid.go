package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/web"
)

const (
	discoveryTTL   = time.Hour
	maxDiscoveries = 1000
	clockSkew      = 30 * time.Second // between an identity provider and us
	providerPause  = 30 * time.Second // before one that did not answer is to be tried again
	maxSubject     = 255              // bytes, OpenID Connect Core, section 2
)

// asymmetric are the algorithms that an ID token may be signed with: not with a secret that others know, nor not at all.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// openID speaks with OpenID providers. It remembers for an hour where their endpoints are.
type openID struct {
	out web.Outbound

	mu    sync.Mutex
	known map[string]discovery
}

// discovery is what a provider says about itself.
type discovery struct {
	provider *oidc.Provider
	until    time.Time

	TokenAuth []string `json:"token_endpoint_auth_methods_supported"`
	NamesSelf bool     `json:"authorization_response_iss_parameter_supported"`
}

func newOpenID(out web.Outbound) *openID { return &openID{out: out, known: map[string]discovery{}} }

// secrets are what one sign-in proves itself with, at the provider and back here.
type secrets struct {
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // PKCE
}

// client may go anywhere for the operator's providers, and to public addresses for those of tenants.
func (o *openID) client(u upstream) *http.Client {
	if u.owner == nil {
		return o.out.Trusted()
	}
	return o.out.Guarded()
}

// authorizeURL is where a browser goes to sign in.
func (o *openID) authorizeURL(ctx context.Context, u upstream, back, state string, s secrets) (string, error) {
	if u.github != "" {
		return githubConfig(u, back).AuthCodeURL(state, oauth2.S256ChallengeOption(s.Verifier)), nil
	}
	d, err := o.discover(ctx, u)
	if err != nil {
		return "", err
	}
	return d.config(u, back).AuthCodeURL(state, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), nil
}

// redeem trades the code that a browser came back with for what the provider says about its user. iss is the name that
// the provider gave itself on the way (RFC 9207), or empty.
func (o *openID) redeem(ctx context.Context, u upstream, back, code, iss string, s secrets) (vouched, error) {
	if u.github != "" {
		return o.redeemGitHub(ctx, u, back, code, iss, s)
	}
	d, err := o.discover(ctx, u)
	if err != nil {
		return vouched{}, err
	}
	if iss == "" && d.NamesSelf || iss != "" && iss != u.issuer && u.template == "" {
		return vouched{}, identityapi.ErrSignInFailed.Wrap(errors.New("the answer is another issuer's (iss)"))
	}
	ctx = oidc.ClientContext(ctx, o.client(u))
	tokens, err := d.config(u, back).Exchange(ctx, code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return vouched{}, refused(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := d.provider.VerifierContext(ctx, &oidc.Config{
		ClientID: u.clientID, SupportedSigningAlgs: asymmetric, SkipIssuerCheck: u.template != "",
		Now: func() time.Time { return time.Now().Add(-clockSkew) },
	}).Verify(ctx, raw)
	if err != nil {
		return vouched{}, identityapi.ErrSignInFailed.Wrap(fmt.Errorf("verify the ID token: %w", err))
	}
	v := vouched{claims: map[string]any{}, issuer: id.Issuer, subject: id.Subject}
	if err := id.Claims(&v.claims); err != nil {
		return v, identityapi.ErrSignInFailed.Wrap(err)
	}
	if err := belongs(u, id, v.claims, s.Nonce); err != nil {
		return v, identityapi.ErrSignInFailed.Wrap(err)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
			return v, identityapi.ErrSignInFailed.Wrap(err)
		}
	}
	if err := d.complete(ctx, &v, tokens); err != nil {
		return v, err
	}
	v.read()
	return v, nil
}

// belongs asks of a genuine ID token what go-oidc leaves to its callers: that it is for this sign-in, and for us alone.
func belongs(u upstream, id *oidc.IDToken, claims map[string]any, nonce string) error {
	azp, authorized := claims["azp"].(string)
	tid, _ := claims["tid"].(string)
	switch {
	case id.Nonce != nonce || nonce == "":
		return errors.New("the ID token is for another sign-in (nonce)")
	case authorized && azp != u.clientID, len(id.Audience) > 1 && !authorized:
		return errors.New("the ID token was issued to another client (azp)")
	case id.Subject == "" || len(id.Subject) > maxSubject:
		return errors.New("the ID token has no usable subject")
	case id.IssuedAt.After(time.Now().Add(clockSkew)):
		return errors.New("the ID token is from the future (iat)")
	case u.template != "" && (uuid.Validate(tid) != nil || id.Issuer != strings.Replace(u.template, "{tenantid}", tid, 1)):
		return errors.New("the ID token is of no directory (iss, tid)")
	}
	return nil
}

// complete asks for the claims that are not in the ID token, whose own are not replaced.
func (d discovery) complete(ctx context.Context, v *vouched, tokens *oauth2.Token) error {
	if _, told := v.claims["email"]; told || d.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return identityapi.ErrProviderUnavailable.After(providerPause).Wrap(fmt.Errorf("ask for the user info: %w", err))
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil || info.Subject != v.subject {
		return identityapi.ErrSignInFailed.Wrap(errors.New("the user info is somebody else's"))
	}
	for name, value := range more {
		if _, told := v.claims[name]; !told {
			v.claims[name] = value
		}
	}
	return nil
}

// read takes what is common to all providers from the claims. Microsoft says in xms_edov whether an address is proved.
func (v *vouched) read() {
	v.name, _ = v.claims["name"].(string)
	if email, _ := v.claims["email"].(string); validEmail(email) {
		v.email = normalizeEmail(email)
		v.emailVerified = isTrue(v.claims["email_verified"]) || isTrue(v.claims["xms_edov"])
	}
	v.at = now()
	if at, ok := v.claims["auth_time"].(float64); ok && at > 0 && time.Unix(int64(at), 0).Before(v.at) {
		v.at = time.Unix(int64(at), 0).UTC()
	}
}

// isTrue takes the spellings that providers use.
func isTrue(claim any) bool {
	return claim == true || claim == "true" || claim == "1" || claim == float64(1)
}

func (o *openID) discover(ctx context.Context, u upstream) (discovery, error) {
	key := fmt.Sprint(u.owner == nil, " ", u.issuer)
	o.mu.Lock()
	d, ok := o.known[key]
	o.mu.Unlock()
	if ok && time.Now().Before(d.until) {
		return d, nil
	}
	ctx = oidc.ClientContext(ctx, o.client(u))
	if u.template != "" {
		ctx = oidc.InsecureIssuerURLContext(ctx, u.template) // belongs pins it to the directory
	}
	provider, err := oidc.NewProvider(ctx, u.issuer)
	if err == nil {
		d = discovery{provider: provider, until: time.Now().Add(discoveryTTL)}
		err = errors.Join(provider.Claims(&d), leadsTo(provider.Endpoint().AuthURL, u))
	}
	if err != nil {
		return d, identityapi.ErrProviderUnavailable.After(providerPause).Wrap(fmt.Errorf("discover %s: %w", u.issuer, err))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) >= maxDiscoveries {
		clear(o.known)
	}
	o.known[key] = d
	return d, nil
}

// leadsTo keeps browsers from being sent to anything but a page: javascript: is an address too.
func leadsTo(address string, u upstream) error {
	at, err := url.Parse(address)
	plain := err == nil && at.Scheme == "http" && (u.owner == nil || web.Loopback(at.Hostname()))
	if err != nil || at.Host == "" || at.Scheme != "https" && !plain {
		return errors.New("the authorization endpoint is no https address")
	}
	return nil
}

func (d discovery) config(u upstream, back string) *oauth2.Config {
	c := &oauth2.Config{
		ClientID: u.clientID, ClientSecret: u.secret, RedirectURL: back, Endpoint: d.provider.Endpoint(),
		Scopes: append([]string{oidc.ScopeOpenID, "email", "profile"}, u.scopes...),
	}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader // the default of OpenID Connect Discovery; trying both would use up the code
	if len(d.TokenAuth) > 0 && !slices.Contains(d.TokenAuth, "client_secret_basic") {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// refused tells an answer that says no from one that did not come.
func refused(err error) error {
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answer.Response.StatusCode < http.StatusInternalServerError {
		return identityapi.ErrSignInFailed.Wrap(fmt.Errorf("redeem the code: %s", answer.ErrorCode))
	}
	if _, ok := errors.AsType[*url.Error](err); !ok {
		if _, answered := errors.AsType[*oauth2.RetrieveError](err); !answered {
			return identityapi.ErrSignInFailed.Wrap(fmt.Errorf("redeem the code: %w", err))
		}
	}
	return identityapi.ErrProviderUnavailable.After(providerPause).Wrap(err)
}

func (s secrets) encode() ([]byte, error) { return json.Marshal(s) }
