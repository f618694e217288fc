package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/problem"
)

// accounts is what identity needs beside its rows to look after an account for life: from the proof of its address to
// its erasure.
type accounts struct {
	gate    signInRules
	mail    *mailer
	later   *afterwards
	changes *emailChanges
	events  audit.Trail
}

func newAccounts(r signInRules, m *mailer, c *emailChanges, events audit.Trail) *accounts {
	return &accounts{gate: r, mail: m, later: m.later, changes: c, events: events}
}

// heldMembership is a tenant that a user belongs to.
type heldMembership struct {
	tenant Tenant
	since  time.Time
}

// heldSession is a session with what only its user is told.
type heldSession struct {
	Session

	lastSeen time.Time
	revoked  *time.Time
}

// note records something that a user did to their account, in the trail of the tenant that they have been a member of
// longest.
func (i *identity) note(ctx context.Context, action string, user uuid.UUID) error {
	home, err := i.tenants.of(ctx, user)
	if err != nil {
		return err
	}
	entry := audit.Entry{Action: action, Target: userTarget(user), Actor: user}
	if len(home) > 0 {
		entry.Tenant = home[0].ID
	}
	return i.trail.Record(ctx, entry)
}

// prove answers ErrPasswordWrong unless password is the user's. It counts as an attempt to sign in does: an access token
// that was stolen is no way to guess the password faster.
func (i *identity) prove(ctx context.Context, u User, password string) error {
	attempt, err := i.lockout.begin(ctx, u.Email, u.ID, clientOf(ctx).ip)
	if err != nil {
		return fmt.Errorf("begin to verify the password: %w", err)
	}
	proved, err := i.passwords.verify(ctx, password, u.PasswordHash)
	if err != nil {
		return attempt.undecided(ctx, fmt.Errorf("verify the password: %w", err))
	}
	if !proved {
		return identityapi.ErrPasswordWrong
	}
	return attempt.succeeded(ctx)
}

// newHash checks a new password of u and hashes it. field is what the request calls it.
func (i *identity) newHash(ctx context.Context, u User, field, password string) (string, error) {
	memberships, err := i.tenants.of(ctx, u.ID)
	if err != nil {
		return "", err
	}
	about := []string{u.Email, u.Name}
	for _, t := range memberships {
		about = append(about, t.Name)
	}
	if fault := i.passwords.check(password, about...); fault != nil {
		fault.Field = field
		return "", identityapi.ErrPasswordWeak.With(*fault)
	}
	hash, err := i.passwords.hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}

// endAll ends every session of a user but one; the zero id spares none.
func (i *identity) endAll(ctx context.Context, user, spared uuid.UUID) error {
	ids, err := i.sessions.alive(ctx, user)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id == spared {
			continue
		}
		if err := i.end(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// invalid names one field at fault.
func invalid(p *problem.Problem, fault *problem.Field) error {
	if fault == nil {
		return nil
	}
	return p.With(*fault)
}

// welcome finishes a sign-in, in its transaction: it keeps a stronger hash of the same password, where there is one,
// and the account of a user who had asked for its deletion.
func (i *identity) welcome(ctx context.Context, u User, stronger string) error {
	if stronger != "" { // should the password have been changed in the meantime, the new one stays
		if _, err := i.users.setPassword(ctx, u.ID, u.PasswordHash, stronger, now()); err != nil {
			return err
		}
	}
	return i.restore(ctx, u)
}
