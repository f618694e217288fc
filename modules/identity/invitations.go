package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tenant"
)

// Invitation lets whoever reads the mail of an address become a member of a tenant, once.
type Invitation struct {
	ID        uuid.UUID
	TenantID  tenant.ID
	Email     string // in its normal form; in a tenant, an address is invited once
	Roles     []string
	InvitedBy uuid.UUID
	Hash      []byte // SHA-256 of the token, which only the mail holds
	CreatedAt time.Time
	ExpiresAt time.Time
}

// perAddress bounds what any number of tenants can do to one mailbox.
var perAddress = ratelimit.Limit{Name: "identity.invitation", Events: 5, Period: time.Hour}

// inviting is what can be done with invitations.
type inviting struct {
	*tenancy

	passwords *passwords
	lockout   *lockout
	mail      *mailer
	limits    ratelimit.Limiter
}

func newInviting(t *tenancy, p *passwords, lock *lockout, m *mailer, l ratelimit.Limiter) *inviting {
	return &inviting{tenancy: t, passwords: p, lockout: lock, mail: m, limits: l}
}

// invite mails a link to an address. The caller must hold what each of the roles permits.
func (n *inviting) invite(ctx context.Context, c *auth.Caller, email string, roles []string) (Invitation, error) {
	if fault := checkEmail(email); fault != nil {
		return Invitation{}, identityapi.ErrInvitationInvalid.With(*fault)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Invitation{}, err
	}
	i := Invitation{
		ID: id, TenantID: c.TenantID, Email: normalizeEmail(email), Roles: slices.Compact(slices.Sorted(slices.Values(roles))),
		CreatedAt: now(),
	}
	secret := n.renew(&i, c)
	err = n.tx.InTx(ctx, func(ctx context.Context) error {
		in, err := n.tenants.forChange(ctx, c.TenantID)
		if err != nil {
			return err
		}
		if err := n.mayGrant(ctx, i.Roles); err != nil {
			return err
		}
		if member, err := n.members.hasEmail(ctx, i.Email); err != nil || member {
			return either(err, identityapi.ErrAlreadyMember)
		}
		if err := n.invitations.deleteExpiredOf(ctx, i.Email, i.CreatedAt); err != nil {
			return err
		}
		if inserted, err := n.invitations.insert(ctx, i); err != nil || !inserted {
			return either(err, identityapi.ErrInvitationOpen)
		}
		return n.post(ctx, i, in, secret)
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("invite: %w", err)
	}
	return i, nil
}

// resend mails a new link, in the name of the caller. The one before is good no longer.
func (n *inviting) resend(ctx context.Context, c *auth.Caller, id uuid.UUID) (i Invitation, err error) {
	err = n.tx.InTx(ctx, func(ctx context.Context) error {
		in, err := n.tenants.forChange(ctx, c.TenantID)
		if err != nil {
			return err
		}
		if i, err = n.invitations.byID(ctx, id); err != nil {
			return err
		}
		if err := n.mayGrant(ctx, i.Roles); err != nil {
			return err
		}
		secret := n.renew(&i, c)
		if err := n.invitations.renew(ctx, i); err != nil {
			return err
		}
		return n.post(ctx, i, in, secret)
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("resend an invitation: %w", err)
	}
	return i, nil
}

// renew gives an invitation a new token, which it returns.
func (n *inviting) renew(i *Invitation, c *auth.Caller) (secret string) {
	secret = newSecret()
	i.InvitedBy, i.Hash, i.ExpiresAt = c.UserID, hashToken(secret), now().Add(n.cfg.InvitationTTL)
	return secret
}

func (n *inviting) post(ctx context.Context, i Invitation, in Tenant, secret string) error {
	if err := n.limits.Allow(perAddress, i.Email); err != nil {
		return err
	}
	return n.mail.send(ctx, invitationLetter(i.Email, in.Slug, n.mail.link("accept-invitation", secret), n.cfg.InvitationTTL))
}

// either returns err, or else the answer.
func either(err error, answer *problem.Problem) error {
	if err != nil {
		return err
	}
	return answer
}
