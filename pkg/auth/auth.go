// Package auth says who is calling.
package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Caller is an authenticated user acting in one tenant through one session, or an API key.
type Caller struct {
	UserID    uuid.UUID // the id of the key when a tenant's key calls
	TenantID  uuid.UUID
	SessionID uuid.UUID // zero when a key calls
	TokenID   string    // the token's jti
	Roles     []string  // the roles at the time of issue: for display only, access is decided on the current ones
	ExpiresAt time.Time // of the token
	Key       *Key      // what limits a caller by key; nil in a session

	AuthenticatedAt time.Time // when the user last proved who they are, in whole seconds
	Methods         []string  // how: see the constants

	// CSRF is empty in a bearer token. A token that has one is good in a cookie only, and what it is used for to change
	// something must show the same value in X-CSRF-Token.
	CSRF string

	// NeedsFactor means that the tenant requires a second factor which the session lacks. The server keeps such a caller
	// from every operation but those whose contract says x-mfa-exempt.
	NeedsFactor bool
}

// How somebody proved who they are (RFC 8176, section 2, but for MethodFederated).
const (
	MethodPassword  = "pwd"
	MethodOTP       = "otp" // a one-time password, such as TOTP
	MethodMultiple  = "mfa" // with several factors
	MethodFederated = "fed" // an identity provider vouched for them
)

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

// Authenticator issues and checks access tokens (JWT, RFC 7519, signed with EdDSA, RFC 8037), and checks API keys.
type Authenticator interface {
	// Generate returns a signed token for c and when it expires: not after the ExpiresAt of c, unless that is zero. The
	// TokenID is chosen here. A caller by a tenant's key gets a token that is good for as long as the key is.
	Generate(ctx context.Context, c Caller) (token string, expires time.Time, err error)

	// Verify returns the caller of a token or API key that is authentic, current and not revoked. A key, and a token that
	// was issued for one, is held against the address in the request's logger.Request. Every failure is a problem: of
	// kind Unauthenticated with a code of its own, Forbidden when the caller is known and must not act, TooMany, or
	// Unavailable when it cannot be decided.
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
	SessionNeedsFactor // active, but its tenant requires a second factor that it lacks: see Caller.NeedsFactor
)

// Revoker ends what was issued.
type Revoker interface {
	// RevokeSession refuses every token of the session: on this replica once the transaction in ctx has
	// committed, on the others within a second.
	RevokeSession(ctx context.Context, session uuid.UUID) error

	// RecheckTenant has the standing of every session looked at again, because who may act in the tenant has changed:
	// it was suspended, resumed or deleted, somebody is no longer a member, or what is required of them or what they have
	// proved is another. It takes effect as RevokeSession does.
	RecheckTenant(ctx context.Context, tenant uuid.UUID) error

	// RecheckUser does the same for a user who may act nowhere any more, or again.
	RecheckUser(ctx context.Context, user uuid.UUID) error

	// RecheckKey has an API key looked at again that was changed or deleted, with every token that was issued for it. It
	// takes effect as RevokeSession does.
	RecheckKey(ctx context.Context, key uuid.UUID) error
}
