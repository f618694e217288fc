package identityapi

import "github.com/yourorg/platform/pkg/problem"

// What a caller can be told about an account. Codes are stable.
var (
	ErrPasswordWeak    = problem.New(problem.Invalid, "identity.password_weak", "The password is too easy to guess")
	ErrPasswordWrong   = problem.New(problem.Forbidden, "identity.password_wrong", "The password is wrong")
	ErrEmailInvalid    = problem.New(problem.Invalid, "identity.email_invalid", "The e-mail address is not acceptable")
	ErrEmailUnverified = problem.New(problem.Forbidden, "identity.email_unverified", "The e-mail address has to be verified first")
	ErrTooSoon         = problem.New(problem.TooMany, "identity.too_soon", "This was asked for a moment ago")
	ErrBusy            = problem.New(problem.Unavailable, "identity.busy", "Too many requests at once")

	// ErrTokenInvalid is one answer to a mailed token that was never issued, was used or has expired.
	ErrTokenInvalid = problem.New(problem.Invalid, "identity.token_invalid", "The link is not valid any more")
)
