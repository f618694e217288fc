package identityapi

import (
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
)

// What a caller can be told about tenants, their members and invitations. Codes are stable.
var (
	ErrTenantNotFound  = problem.New(problem.NotFound, "identity.tenant_not_found", "There is no such tenant")
	ErrTenantInvalid   = problem.New(problem.Invalid, "identity.tenant_invalid", "The tenant is not acceptable")
	ErrTenantChanged   = problem.New(problem.PreconditionFailed, "identity.tenant_changed", "Somebody else has changed the tenant")
	ErrTenantOperator  = problem.New(problem.Conflict, "identity.tenant_operator", "The operator's own tenant has to stay as it is")
	ErrSlugTaken       = problem.New(problem.Conflict, "identity.slug_taken", "Another tenant has this slug")
	ErrSessionRequired = auth.ErrSessionRequired

	ErrMemberNotFound = problem.New(problem.NotFound, "identity.member_not_found", "There is no such member")
	ErrLastOwner      = problem.New(problem.Conflict, "identity.last_owner", "The tenant would be left without an owner")

	ErrInvitationNotFound = problem.New(problem.NotFound, "identity.invitation_not_found", "There is no such invitation")
	ErrInvitationInvalid  = problem.New(problem.Invalid, "identity.invitation_invalid", "The invitation is not acceptable")
	ErrInvitationOpen     = problem.New(problem.Conflict, "identity.invitation_open", "The address is invited already")
	ErrAlreadyMember      = problem.New(problem.Conflict, "identity.already_member", "The address belongs to a member already")

	// ErrInvitationClosed is one answer to a token that was never issued, was used, was withdrawn or has expired.
	ErrInvitationClosed = problem.New(problem.NotFound, "identity.invitation_closed", "The invitation is not open any more")
	ErrInvitationOther  = problem.New(problem.Forbidden, "identity.invitation_other", "The invitation is for another address")
)
