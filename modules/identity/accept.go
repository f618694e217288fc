package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// acceptance is what somebody gives who has got an invitation. Who has signed in gives the token alone; who has an
// account, the password too; and who is new, a name and a new password.
type acceptance struct{ token, name, password, ip string }

const actionAccept = "identity.invitation.accept"

// accept makes the invited person a member. The token proves that they read the mail of the address, which counts as
// its verification, but not that an account of that address is theirs: that takes a session or the password.
func (n *inviting) accept(ctx context.Context, c *auth.Caller, a acceptance) (u User, in Tenant, err error) {
	ctx = tenant.System(ctx, "an invitation is accepted")
	i, err := n.invitations.byToken(ctx, hashToken(a.token), now())
	if err != nil {
		return u, in, err
	}
	known := true
	if c != nil {
		u, err = n.caller(ctx, c, i)
	} else {
		u, known, err = n.stranger(ctx, a, i)
	}
	if err != nil {
		return u, in, err
	}
	err = n.tx.InTx(ctx, func(ctx context.Context) error {
		if in, err = n.claim(ctx, i); err != nil {
			return err
		}
		if !known {
			if err := n.users.insert(ctx, u); err != nil {
				return err
			}
		}
		return n.join(ctx, u, i)
	})
	if err != nil {
		return User{}, Tenant{}, fmt.Errorf("accept an invitation: %w", err)
	}
	if u.EmailVerifiedAt == nil {
		at := now()
		u.EmailVerifiedAt = &at
	}
	return u, in, nil
}

// caller is the user who has signed in, if the invitation is for them.
func (n *inviting) caller(ctx context.Context, c *auth.Caller, i Invitation) (User, error) {
	if c.SessionID == uuid.Nil {
		return User{}, identityapi.ErrSessionRequired
	}
	u, err := n.users.byID(ctx, c.UserID)
	if err == nil && u.Email != i.Email {
		err = identityapi.ErrInvitationOther
	}
	return u, err
}

// stranger is the user with the invited address, who gives the password; or a new one.
func (n *inviting) stranger(ctx context.Context, a acceptance, i Invitation) (u User, known bool, err error) {
	if u, err = n.users.byEmail(ctx, i.Email); err != nil {
		return u, false, err
	}
	if u.ID != uuid.Nil {
		return u, true, n.prove(ctx, u, a, i)
	}
	var bad []problem.Field
	for _, fault := range []*problem.Field{checkName("name", a.name), n.passwords.check(a.password, i.Email, a.name)} {
		if fault != nil {
			bad = append(bad, *fault)
		}
	}
	if len(bad) > 0 {
		return u, false, identityapi.ErrInvitationInvalid.With(bad...)
	}
	hash, err := n.passwords.hash(ctx, a.password)
	if err != nil {
		return u, false, fmt.Errorf("hash the password: %w", err)
	}
	u, err = newUser(i.Email, a.name, hash)
	return u, false, err
}

// prove holds the password against an account as a sign-in does. Attempts count for the same locks, and a failed one is
// on record.
func (n *inviting) prove(ctx context.Context, u User, a acceptance, i Invitation) error {
	attempt, err := n.lockout.begin(ctx, u.Email, u.ID, a.ip)
	if err != nil {
		return fmt.Errorf("begin to accept an invitation: %w", err)
	}
	proved, err := n.passwords.verify(ctx, a.password, u.PasswordHash)
	if err != nil {
		return attempt.undecided(ctx, fmt.Errorf("verify the password: %w", err))
	}
	if proved && u.DisabledAt == nil {
		return attempt.succeeded(ctx)
	}
	err = n.trail.Record(ctx, audit.Entry{
		Action: actionAccept, Target: userTarget(u.ID), Tenant: i.TenantID, Outcome: audit.Failed,
	})
	return either(err, identityapi.ErrInvalidCredentials)
}

// claim uses the invitation up, if its tenant takes members and whoever invited may still give these roles away.
func (n *inviting) claim(ctx context.Context, i Invitation) (Tenant, error) {
	in, err := n.tenants.forChange(ctx, i.TenantID)
	if err != nil {
		return in, err
	}
	if in.EraseAt != nil {
		return in, identityapi.ErrInvitationClosed
	}
	if in.SuspendedAt != nil {
		return in, identityapi.ErrTenantSuspended
	}
	inviter := auth.NewContext(tenant.NewContext(ctx, i.TenantID), &auth.Caller{UserID: i.InvitedBy, TenantID: i.TenantID})
	if err := n.mayGrant(inviter, i.Roles); err != nil {
		return in, identityapi.ErrInvitationClosed.Wrap(err)
	}
	claimed, err := n.invitations.claim(ctx, i, now())
	if err != nil || !claimed {
		return in, either(err, identityapi.ErrInvitationClosed)
	}
	return in, nil
}

// join makes u a member with the roles of the invitation.
func (n *inviting) join(ctx context.Context, u User, i Invitation) error {
	members, err := n.members.among(tenant.NewContext(ctx, i.TenantID), []uuid.UUID{u.ID})
	if err != nil || len(members) > 0 {
		return either(err, identityapi.ErrAlreadyMember)
	}
	if err := n.tenants.join(ctx, i.TenantID, u.ID); err != nil {
		return err
	}
	if err := n.assign(ctx, i.TenantID, u.ID, i.Roles, nil); err != nil {
		return err
	}
	if u.EmailVerifiedAt == nil {
		if _, err := n.users.verifyEmail(ctx, u.ID, i.Email, now()); err != nil {
			return err
		}
	}
	return n.trail.Record(ctx, audit.Entry{
		Action: actionAccept, Target: userTarget(u.ID), Tenant: i.TenantID, Actor: u.ID,
	})
}
