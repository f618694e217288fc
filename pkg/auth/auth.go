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
	// Generate returns a signed token for c and when it expires: not after the ExpiresAt of c, unless that is zero. The
	// TokenID is chosen here.
	Generate(ctx context.Context, c Caller) (token string, expires time.Time, err error)

	// Verify returns the caller of a token that is authentic, current and not revoked. Every failure is a
	// problem of kind Unauthenticated with a code of its own, or Unavailable when it cannot be decided.
	Verify(ctx context.Context, token string) (*Caller, error)
}

// Sessions is what the platform needs to know about sessions. Identity implements it.
type Sessions interface {
	// Standing says whether the session's tokens may be used. It is asked for every token that is not remembered, and
	// once a minute for those that are in use.
	Standing(ctx context.Context, session uuid.UUID) (Standing, error)

	// Seen tells that a token of the session is being used. It is called about once a minute while that goes on, and
	// returns at once: it must not wait for the database.
	Seen(session uuid.UUID)
}

// Standing is what becomes of a session's tokens.
type Standing int

// The zero value lets nobody in.
const (
	SessionEnded     Standing = iota // it has ended or never was, or its user may not act in its tenant: 401
	SessionSuspended                 // all is well but its tenant, which is suspended: 403 tenant.suspended
	SessionActive
)

// Revoker ends what was issued.
type Revoker interface {
	// RevokeSession refuses every token of the session: on this replica once the transaction in ctx has
	// committed, on the others within a second.
	RevokeSession(ctx context.Context, session uuid.UUID) error

	// RecheckTenant has the standing of every session looked at again, because who may act in the tenant has changed:
	// it was suspended, resumed or deleted, or somebody is no longer a member. It takes effect as RevokeSession does.
	RecheckTenant(ctx context.Context, tenant uuid.UUID) error
}
