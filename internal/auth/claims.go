package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
)

// maxToken is the longest token, in bytes: well above what a caller with many roles gets, well below what is worth
// sending.
const maxToken = 4096

// claims is the content of an access token.
type claims struct {
	jwt.RegisteredClaims
	Roles     []string `json:"roles"`
	TenantID  string   `json:"tenant_id"`
	SessionID string   `json:"sid,omitempty"`

	AuthenticatedAt *jwt.NumericDate `json:"auth_time,omitempty"` // OpenID Connect Core, section 2
	Methods         []string         `json:"amr,omitempty"`

	CSRF string `json:"csrf,omitempty"` // makes it a token for a cookie
	keyClaims
}

func newParser(cfg Config) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithIssuer(cfg.Issuer),
		jwt.WithAudience(cfg.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(cfg.ClockSkew),
		jwt.WithStrictDecoding(),
	)
}

// Generate implements auth.Authenticator.
func (t *Tokens) Generate(_ context.Context, c auth.Caller) (token string, expires time.Time, err error) {
	signer := t.keys.current.Load().signer
	switch {
	case signer == nil:
		return "", time.Time{}, errors.New("sign a token: the signing keys are not loaded")
	case c.UserID == uuid.Nil || c.TenantID == uuid.Nil || c.Key == nil && (c.SessionID == uuid.Nil || c.AuthenticatedAt.IsZero()):
		return "", time.Time{}, errors.New("sign a token: the user, the tenant, the session and its sign-in must be given")
	case c.Key != nil && (c.SessionID != uuid.Nil || c.Key.Personal || c.UserID != c.Key.ID):
		return "", time.Time{}, errors.New("sign a token: only a tenant's key gets one, and without a session")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token: %w", err)
	}
	now := time.Now().UTC()
	expires = now.Add(t.cfg.AccessTTL)
	if !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(expires) {
		expires = c.ExpiresAt.UTC()
	}
	expires = expires.Truncate(time.Second) // a claim has whole seconds
	content := &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.cfg.Issuer, Subject: c.UserID.String(), Audience: jwt.ClaimStrings{t.cfg.Audience}, ID: id.String(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Roles:    append([]string{}, c.Roles...),
		TenantID: c.TenantID.String(),
	}
	if c.Key != nil {
		content.keyClaims = claimsOf(c.Key)
	} else {
		content.SessionID, content.Methods, content.CSRF = c.SessionID.String(), c.Methods, c.CSRF
		content.AuthenticatedAt = jwt.NewNumericDate(c.AuthenticatedAt)
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, content)
	unsigned.Header["kid"] = signer.id.String()
	token, err = unsigned.SignedString(signer.private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token: %w", err)
	}
	if len(token) > maxToken {
		return "", time.Time{}, fmt.Errorf("sign a token: it would be longer than %d bytes", maxToken)
	}
	return token, expires, nil
}

// parse checks all that the token itself can tell.
func (t *Tokens) parse(ctx context.Context, token string) (*auth.Caller, error) {
	// The base64 decoder skips line ends, so one signature would have many spellings, each with a place in the cache.
	if strings.ContainsAny(token, "\r\n") {
		return nil, ErrTokenMalformed.Wrap(errors.New("it contains line ends"))
	}
	var c claims
	parsed, err := t.parser.ParseWithClaims(token, &c, func(unverified *jwt.Token) (any, error) {
		name, _ := unverified.Header["kid"].(string)
		kid, ok := parseID(name)
		if !ok {
			return nil, ErrTokenKeyUnknown.Wrap(errors.New("the kid is not a UUID"))
		}
		return t.keys.find(ctx, kid)
	})
	if err != nil {
		return nil, refusal(parsed, err)
	}
	return c.caller()
}

func (c *claims) caller() (*auth.Caller, error) {
	if c.keyClaims != (keyClaims{}) {
		return c.machine()
	}
	user, okUser := parseID(c.Subject)
	tenant, okTenant := parseID(c.TenantID)
	session, okSession := parseID(c.SessionID)
	_, okID := parseID(c.ID)
	if !okUser || !okTenant || !okSession || !okID {
		return nil, ErrTokenMalformed.Wrap(errors.New("sub, tenant_id, sid and jti must be UUIDs"))
	}
	if c.AuthenticatedAt == nil {
		return nil, ErrTokenMalformed.Wrap(errors.New("auth_time is missing"))
	}
	return &auth.Caller{
		UserID: user, TenantID: tenant, SessionID: session, TokenID: c.ID,
		Roles: c.Roles, ExpiresAt: c.ExpiresAt.UTC(), AuthenticatedAt: c.AuthenticatedAt.UTC(), Methods: c.Methods,
		CSRF: c.CSRF,
	}, nil
}

// parseID accepts the one form that we write: uuid.Parse knows several others.
func parseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil && id != uuid.Nil
}

// refusals says what the parser's errors mean, the most telling first.
var refusals = []struct {
	cause  error
	answer *problem.Problem
}{
	{jwt.ErrTokenSignatureInvalid, ErrTokenSignature},
	{jwt.ErrTokenExpired, ErrTokenExpired},
	{jwt.ErrTokenNotValidYet, ErrTokenNotYetValid},
	{jwt.ErrTokenUsedBeforeIssued, ErrTokenNotYetValid},
	{jwt.ErrTokenInvalidIssuer, ErrTokenIssuer},
	{jwt.ErrTokenInvalidAudience, ErrTokenAudience},
}

func refusal(parsed *jwt.Token, err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok { // of the key
		return p
	}
	// The parser has no error of its own for a wrong algorithm.
	if parsed != nil && parsed.Header != nil && parsed.Header["alg"] != algorithm {
		return ErrTokenAlgorithm.Wrap(err)
	}
	for _, r := range refusals {
		if errors.Is(err, r.cause) {
			return r.answer.Wrap(err)
		}
	}
	return ErrTokenMalformed.Wrap(err)
}
