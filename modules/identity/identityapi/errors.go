// Package identityapi is all that other modules may know about identity.
package identityapi

import (
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// What a caller can be told. Codes are stable.
var (
	ErrRegistrationClosed  = problem.New(problem.Forbidden, "identity.registration_closed", "Registration is closed")
	ErrRegistrationInvalid = problem.New(problem.Invalid, "identity.registration_invalid", "The registration is not acceptable")
	ErrEmailTaken          = problem.New(problem.Conflict, "identity.email_taken", "The e-mail address is taken")
	ErrInvalidCredentials  = problem.New(problem.Unauthenticated, "identity.invalid_credentials", "E-mail address or password is wrong")
	ErrNotAMember          = problem.New(problem.Forbidden, "identity.not_a_member", "Not a member of the tenant")
	ErrTenantSuspended     = tenant.ErrSuspended
	ErrSessionNotFound     = problem.New(problem.NotFound, "identity.session_not_found", "There is no such session")
	ErrLocked              = problem.New(problem.TooMany, "identity.locked", "Too many failed sign-ins to this account")
	ErrRefreshInvalid      = problem.New(problem.Unauthenticated, "identity.refresh_invalid", "The refresh token is not valid")
	ErrRefreshMissing      = problem.New(problem.Unauthenticated, "identity.refresh_missing", "There is no refresh token")
	ErrRefreshExpired      = problem.New(problem.Unauthenticated, "identity.refresh_expired", "The refresh token has expired")
	ErrRefreshReused       = problem.New(problem.Unauthenticated, "identity.refresh_reused", "The refresh token was used before")
	ErrPasswordBusy        = problem.New(problem.Unavailable, "identity.password_busy", "Too many sign-ins at once")
)
