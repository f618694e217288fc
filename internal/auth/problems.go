package auth

import "github.com/yourorg/platform/pkg/problem"

// What a caller is told about its token. The codes are stable.
var (
	ErrRequired         = problem.New(problem.Unauthenticated, "auth.required", "Sign in first")
	ErrTokenMalformed   = problem.New(problem.Unauthenticated, "auth.token_malformed", "This is not an access token")
	ErrTokenAlgorithm   = problem.New(problem.Unauthenticated, "auth.token_algorithm", "The token is not signed with EdDSA")
	ErrTokenKeyUnknown  = problem.New(problem.Unauthenticated, "auth.token_key_unknown", "The token is signed with an unknown key")
	ErrTokenSignature   = problem.New(problem.Unauthenticated, "auth.token_signature", "The signature of the token is wrong")
	ErrTokenExpired     = problem.New(problem.Unauthenticated, "auth.token_expired", "The token has expired")
	ErrTokenNotYetValid = problem.New(problem.Unauthenticated, "auth.token_not_yet_valid", "The token is not valid yet")
	ErrTokenIssuer      = problem.New(problem.Unauthenticated, "auth.token_issuer", "The token was issued by somebody else")
	ErrTokenAudience    = problem.New(problem.Unauthenticated, "auth.token_audience", "The token was issued for somebody else")
	ErrTokenRevoked     = problem.New(problem.Unauthenticated, "auth.token_revoked", "The session of the token has ended")

	ErrKeyMalformed = problem.New(problem.Unauthenticated, "auth.key_malformed", "This is not an API key")
	ErrKeyInvalid   = problem.New(problem.Unauthenticated, "auth.key_invalid", "The API key is not valid, or not any more")
	ErrKeyExpired   = problem.New(problem.Unauthenticated, "auth.key_expired", "The API key has expired")
	ErrIPForbidden  = problem.New(problem.Forbidden, "apikeys.ip_forbidden", "The API key must not be used from this address")

	// ErrUnavailable means that it cannot be decided now whether a token is good.
	ErrUnavailable = problem.New(problem.Unavailable, "auth.unavailable", "Tokens cannot be checked right now")
)
