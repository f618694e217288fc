package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// another is where somebody who has signed in wants to act.
type another struct {
	tenant string // slug or id
	from   client
}

// switchTo starts a session in another tenant of the caller's. It proves nothing anew: the session counts from the same
// sign-in as the present one, so that going to and fro does not make it last longer.
func (i *identity) switchTo(ctx context.Context, c *auth.Caller, to another) (out Tokens, err error) {
	if c.SessionID == uuid.Nil {
		return Tokens{}, identityapi.ErrSessionRequired
	}
	if strings.TrimSpace(to.tenant) == "" {
		return Tokens{}, identityapi.ErrTenantNotFound
	}
	ctx = tenant.System(ctx, "switch of tenants")
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		memberships, err := i.tenants.of(ctx, c.UserID)
		if err != nil {
			return err
		}
		t, err := choose(memberships, to.tenant)
		if errors.Is(err, identityapi.ErrNotAMember) {
			return identityapi.ErrTenantNotFound
		}
		if err != nil {
			return err
		}
		present, err := i.sessions.byID(ctx, c.SessionID)
		if err != nil {
			return err
		}
		s, err := newSession(c.UserID, t.ID, present.Proof, to.from, i.cfg.RefreshTTL)
		if err != nil {
			return err
		}
		s.follows(present)
		if err := i.sessions.insert(ctx, s); err != nil {
			return err
		}
		if out, err = i.issue(ctx, s, to.from.cookie); err != nil {
			return err
		}
		return i.trail.Record(ctx, audit.Entry{
			Action: "identity.session.switch", Target: sessionTarget(s.ID), Tenant: t.ID, Actor: c.UserID,
		})
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("switch to another tenant: %w", err)
	}
	return out, nil
}

// follows lets a session count from the sign-in of the one before.
func (s *Session) follows(before Session) { s.LastSeenAt, s.CreatedAt = s.CreatedAt, before.CreatedAt }

// begun is when a new session was first used: now, also when its sign-in was before.
func (s Session) begun() time.Time {
	if s.LastSeenAt.IsZero() {
		return s.CreatedAt
	}
	return s.LastSeenAt
}
