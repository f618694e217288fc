package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
)

const maxUserAgent = 512 // bytes

// Session is one sign-in of one user to one tenant. It lives as long as its newest refresh token.
type Session struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	TenantID  uuid.UUID
	UserAgent string
	IP        string
	CreatedAt time.Time
	ExpiresAt time.Time

	Proof authentication // the latest

	LastSeenAt time.Time // to a minute or two; zero in a session that was not read from the store
}

// newSession takes the user agent as it came, which can be any bytes.
func newSession(user, in uuid.UUID, proof authentication, from client, ttl time.Duration) (Session, error) {
	id, err := uuid.NewV7()
	at := now()
	return Session{
		ID: id, UserID: user, TenantID: in, UserAgent: printable(from.userAgent, maxUserAgent), IP: from.ip,
		CreatedAt: at, ExpiresAt: at.Add(ttl), Proof: proof,
	}, err
}

// printable makes text storable: valid UTF-8 without control characters, of at most limit bytes.
func printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// Tokens are what a client needs to act in a session.
type Tokens struct {
	Access    string
	ExpiresIn time.Duration // of the access token
	Refresh   string        // empty where the one before stays good
	RefreshIn time.Duration // until the refresh token expires
	CSRF      string        // what a page has to know when the tokens are in cookies; otherwise empty

	// A sign-in that wants a second factor has these instead.
	MFAToken   string
	MFAMethods []string
}

// issue makes the first tokens of a session, for cookies or for a bearer.
func (i *identity) issue(ctx context.Context, s Session, cookie bool) (Tokens, error) {
	out, err := i.access(ctx, s, cookie)
	if err != nil {
		return Tokens{}, err
	}
	secret, t, err := newRefreshToken(s.ID, s.ExpiresAt)
	if err != nil {
		return Tokens{}, err
	}
	if err := i.sessions.insertToken(ctx, t); err != nil {
		return Tokens{}, err
	}
	out.Refresh = secret
	return out, nil
}

// access makes an access token of a session, which does not outlive it. There is no refresh token in the answer.
func (i *identity) access(ctx context.Context, s Session, cookie bool) (Tokens, error) {
	csrf, err := i.csrf(ctx, s.ID, cookie)
	if err != nil {
		return Tokens{}, err
	}
	roles, err := i.grants.Roles(ctx, s.TenantID, s.UserID)
	if err != nil {
		return Tokens{}, fmt.Errorf("list roles: %w", err)
	}
	access, expires, err := i.tokens.Generate(ctx, auth.Caller{
		UserID: s.UserID, TenantID: s.TenantID, SessionID: s.ID, Roles: roles, ExpiresAt: s.CreatedAt.Add(i.families.life),
		AuthenticatedAt: s.Proof.at, Methods: s.Proof.methods, CSRF: csrf,
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("generate an access token: %w", err)
	}
	return Tokens{Access: access, ExpiresIn: time.Until(expires), RefreshIn: time.Until(s.ExpiresAt), CSRF: csrf}, nil
}

// csrf is the CSRF token of a session, the same as long as it lives; empty when its tokens are not for cookies.
func (i *identity) csrf(ctx context.Context, session uuid.UUID, cookie bool) (string, error) {
	if !cookie {
		return "", nil
	}
	token, err := i.families.key.derive(ctx, "csrf", session.String())
	if err != nil {
		return "", fmt.Errorf("derive the CSRF token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// logout ends the caller's session. It wants to be called in a transaction.
func (i *identity) logout(ctx context.Context, c *auth.Caller) error { return i.end(ctx, c.SessionID) }

// end revokes a session with all its tokens. Ending it again changes nothing.
func (i *identity) end(ctx context.Context, session uuid.UUID) error {
	ended, err := i.sessions.revoke(ctx, session, now())
	if err != nil || !ended {
		return err
	}
	if err := i.revoker.RevokeSession(ctx, session); err != nil {
		return fmt.Errorf("revoke the session's tokens: %w", err)
	}
	return nil
}
