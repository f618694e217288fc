// Package auth says who is calling.
package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Caller is an authenticated user acting in one tenant through one session.
type Caller struct {
	UserID    uuid.UUID
	TenantID  uuid.UUID
	SessionID uuid.UUID
	TokenID   string    // the token's jti
	Roles     []string  // the roles at the time of issue: for display only, access is decided on the current ones
	ExpiresAt time.Time // of the token
}

type callerKey struct{}

// NewContext returns a context in which c is calling.
func NewContext(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// FromContext returns who is calling. The Caller is shared: do not change it.
func FromContext(ctx context.Context) (*Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(*Caller)
	return c, ok && c != nil
}

// Authenticator issues and checks access tokens (JWT, RFC 7519, signed with EdDSA, RFC 8037).
type Authenticator interface {
	// Generate returns a signed token for c and when it expires. TokenID and ExpiresAt of c are chosen here.
	Generate(ctx context.Context, c Caller) (token string, expires time.Time, err error)

	// Verify returns the caller of a token that is authentic, current and not revoked. Every failure is a
	// problem of kind Unauthenticated with a code of its own, or Unavailable when it cannot be decided.
	Verify(ctx context.Context, token string) (*Caller, error)
}

// Sessions is what the platform needs to know about sessions. Identity implements it.
type Sessions interface {
	// Active reports whether the session exists, has not ended, and its user may act in its tenant.
	Active(ctx context.Context, session uuid.UUID) (bool, error)
}

// Revoker ends what was issued.
type Revoker interface {
	// RevokeSession refuses every token of the session: on this replica once the transaction in ctx has
	// committed, on the others within a second.
	RevokeSession(ctx context.Context, session uuid.UUID) error
}
