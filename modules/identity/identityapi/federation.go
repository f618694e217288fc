package identityapi

import "github.com/yourorg/platform/pkg/problem"

// What somebody can be told who signs in with an identity provider. Codes are stable.
var (
	ErrProviderUnknown     = problem.New(problem.NotFound, "identity.provider_unknown", "One cannot sign in with this identity provider")
	ErrProviderUnavailable = problem.New(problem.Unavailable, "identity.provider_unavailable", "The identity provider does not answer as it should")
	ErrReturnToInvalid     = problem.New(problem.Invalid, "identity.return_to_invalid", "The path to return to is not acceptable")

	// ErrSignInState is one answer to a state that was never issued, belongs to another browser, was used or has expired.
	ErrSignInState = problem.New(problem.Forbidden, "identity.sign_in_state", "This sign-in was not begun here, or took too long")
	// ErrSignInDenied means that the provider, or its user, has said no.
	ErrSignInDenied = problem.New(problem.Forbidden, "identity.sign_in_denied", "The identity provider has refused the sign-in")
	// ErrSignInFailed means that what the provider says cannot be believed.
	ErrSignInFailed = problem.New(problem.Forbidden, "identity.sign_in_failed", "The identity provider's answer was not acceptable")
	// ErrSignInExpired is one answer to a code that was never issued, belongs to another browser, was used or has expired.
	ErrSignInExpired = problem.New(problem.Unauthenticated, "identity.sign_in_expired", "The sign-in has to be begun again")

	ErrEmailNotVouched  = problem.New(problem.Forbidden, "identity.email_not_vouched", "The identity provider does not say that the e-mail address is verified")
	ErrDomainNotAllowed = problem.New(problem.Forbidden, "identity.domain_not_allowed", "The identity provider does not speak for this e-mail address")
	ErrUserDisabled     = problem.New(problem.Forbidden, "identity.user_disabled", "The account is disabled")

	// ErrLinkRequired means that there is an account of the address already, and that it takes a sign-in to it to prove
	// whose it is.
	ErrLinkRequired = problem.New(problem.Conflict, "identity.link_required", "Sign in to your account first, and link the identity there")

	ErrIdentityTaken    = problem.New(problem.Conflict, "identity.identity_taken", "The identity belongs to another account")
	ErrIdentityNotFound = problem.New(problem.NotFound, "identity.identity_not_found", "There is no such identity")
	ErrLastIdentity     = problem.New(problem.Conflict, "identity.last_identity", "Set a password first: there is no other way to sign in")
	ErrSignInAgain      = problem.New(problem.Forbidden, "identity.sign_in_again", "The sign-in was too long ago for this")
)

// What somebody can be told who looks after a tenant's identity providers.
var (
	ErrProviderNotFound  = problem.New(problem.NotFound, "identity.provider_not_found", "There is no such identity provider")
	ErrProviderInvalid   = problem.New(problem.Invalid, "identity.provider_invalid", "The identity provider is not acceptable")
	ErrProviderNameTaken = problem.New(problem.Conflict, "identity.provider_name_taken", "Another identity provider has this name")
	ErrProviderChanged   = problem.New(problem.PreconditionFailed, "identity.provider_changed", "Somebody else has changed the identity provider")
	ErrProviderLimit     = problem.New(problem.Conflict, "identity.provider_limit", "The tenant has as many identity providers as it can")
)
