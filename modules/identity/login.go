package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// credentials are what somebody gives to sign in.
type credentials struct {
	email, password string
	tenant          string // slug or id; empty means the oldest membership
	userAgent, ip   string
}

const actionLogin = "identity.session.login"

// login starts a session. Whoever does not prove to be an enabled user gets one and the same answer after the same
// queries, hash and row in the trail, so that neither the answer nor its time tells whether an address is known.
func (i *identity) login(ctx context.Context, c credentials) (Tokens, error) {
	ctx = tenant.System(ctx, "sign-in")
	u, err := i.users.byEmail(ctx, c.email)
	if err != nil {
		return Tokens{}, err
	}
	memberships, err := i.tenants.of(ctx, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	attempt, err := i.lockout.begin(ctx, c.email, u.ID, c.ip)
	if err != nil {
		return Tokens{}, fmt.Errorf("begin a sign-in: %w", err)
	}
	proved, err := i.passwords.verify(ctx, c.password, u.PasswordHash)
	if err != nil {
		return Tokens{}, attempt.undecided(ctx, fmt.Errorf("verify the password: %w", err))
	}
	t, refused := choose(memberships, c.tenant)
	entry := audit.Entry{Action: actionLogin, Tenant: t.ID}
	if u.ID != uuid.Nil {
		entry.Target = userTarget(u.ID)
	}
	if !proved || u.DisabledAt != nil {
		entry.Outcome = audit.Failed
		return Tokens{}, i.turnAway(ctx, entry, identityapi.ErrInvalidCredentials)
	}
	if err := attempt.succeeded(ctx); err != nil {
		return Tokens{}, fmt.Errorf("sign in: %w", err)
	}
	entry.Actor = u.ID
	if refused == nil && i.gate.requireVerified && u.EmailVerifiedAt == nil {
		refused = identityapi.ErrEmailUnverified
	}
	if refused != nil {
		entry.Outcome = audit.Denied
		return Tokens{}, i.turnAway(ctx, entry, refused)
	}
	s, err := newSession(u.ID, t.ID, c.userAgent, c.ip, i.cfg.RefreshTTL)
	if err != nil {
		return Tokens{}, err
	}
	stronger, err := i.passwords.renew(ctx, c.password, u.PasswordHash)
	if err != nil {
		return Tokens{}, err
	}
	var out Tokens
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		if err := i.welcome(ctx, u, stronger); err != nil {
			return err
		}
		if err := i.sessions.insert(ctx, s); err != nil {
			return err
		}
		if out, err = i.issue(ctx, s); err != nil {
			return err
		}
		entry.Target = sessionTarget(s.ID)
		return i.trail.Record(ctx, entry)
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("sign in: %w", err)
	}
	return out, nil
}

// turnAway keeps what happened, in a transaction of its own, and returns the answer.
func (i *identity) turnAway(ctx context.Context, e audit.Entry, answer error) error {
	if err := i.tx.InTx(ctx, func(ctx context.Context) error { return i.trail.Record(ctx, e) }); err != nil {
		return fmt.Errorf("record a refused sign-in: %w", err)
	}
	return answer
}
