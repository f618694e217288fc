package apikeys

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

// The errors of RFC 6749, section 5.2.
var (
	errClient    = problem.New(problem.Unauthenticated, "oauth.invalid_client", "The client is not known, or its secret is wrong")
	errRequest   = problem.New(problem.Malformed, "oauth.invalid_request", "The client must be named once, by HTTP Basic or in the form")
	errGrantType = problem.New(problem.Malformed, "oauth.unsupported_grant_type", "The grant type must be client_credentials")
	errScope     = problem.New(problem.Malformed, "oauth.invalid_scope", "The key does not list all of the scope")
)

// issuer exchanges keys for tokens.
type issuer struct{ tokens auth.Authenticator }

func newIssuer(tokens auth.Authenticator) *issuer { return &issuer{tokens: tokens} }

// demand is what a client asks for. Parameters without a value count as left out (RFC 6749, section 3.2).
type demand struct {
	authorization, grantType, scope, clientID, clientSecret string
}

// grant is what it gets.
type grant struct {
	token     string
	expiresIn time.Duration
	scope     []perm.Permission
}

func (i *issuer) issue(ctx context.Context, d demand) (grant, error) {
	id, secret, err := d.client()
	if err != nil {
		return grant{}, err
	}
	caller, err := i.authenticate(ctx, id, secret)
	if err != nil {
		return grant{}, err
	}
	if d.grantType != "client_credentials" {
		return grant{}, errGrantType
	}
	key := caller.Key
	if d.scope != "" {
		var wanted []perm.Permission
		for p := range strings.SplitSeq(d.scope, " ") {
			if !key.Lists(perm.Permission(p)) {
				return grant{}, errScope
			}
			wanted = append(wanted, perm.Permission(p))
		}
		key = key.Narrow(wanted...)
	}
	token, expires, err := i.tokens.Generate(ctx, auth.Caller{
		UserID: caller.UserID, TenantID: caller.TenantID, ExpiresAt: caller.ExpiresAt, Key: key,
	})
	if err != nil {
		return grant{}, fmt.Errorf("issue a token for a key: %w", err)
	}
	return grant{token: token, expiresIn: time.Until(expires), scope: key.Permissions()}, nil
}

// client reads who asks, and what proves it.
func (d demand) client() (id, secret string, err error) {
	if d.authorization == "" {
		if d.clientID == "" || d.clientSecret == "" {
			return "", "", errClient
		}
		return d.clientID, d.clientSecret, nil
	}
	if d.clientSecret != "" {
		return "", "", errRequest
	}
	scheme, encoded, _ := strings.Cut(d.authorization, " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	name, password, found := strings.Cut(string(raw), ":")
	if err != nil || !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", errClient
	}
	if id, err = url.QueryUnescape(name); err != nil { // RFC 6749, section 2.3.1
		return "", "", errClient
	}
	if secret, err = url.QueryUnescape(password); err != nil {
		return "", "", errClient
	}
	if d.clientID != "" && d.clientID != id {
		return "", "", errRequest
	}
	return id, secret, nil
}

// authenticate accepts a tenant's key, and no token: one would make others without end.
func (i *issuer) authenticate(ctx context.Context, id, secret string) (*auth.Caller, error) {
	if !strings.HasPrefix(secret, auth.KeyScheme) {
		return nil, errClient
	}
	caller, err := i.tokens.Verify(ctx, secret)
	if err != nil {
		return nil, err
	}
	if caller.Key == nil || caller.Key.Personal || caller.Key.ID.String() != id {
		return nil, errClient
	}
	return caller, nil
}
