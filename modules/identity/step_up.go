package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
)

// proofs are what somebody who has signed in gives to prove anew who they are. One of them is enough, and it must be the
// code where there is a second factor: the session was begun with the password too.
type proofs struct{ password, code string }

// stepUp renews the authentication of the caller's session and returns an access token that says so. The refresh token
// stays as it is.
func (i *identity) stepUp(ctx context.Context, c *auth.Caller, given proofs) (out Tokens, err error) {
	if c.SessionID == uuid.Nil {
		return out, identityapi.ErrSessionRequired
	}
	u, err := i.users.byID(ctx, c.UserID)
	if err != nil {
		return out, err
	}
	held, err := i.second.factors.confirmed(ctx, u.ID)
	if err != nil {
		return out, err
	}
	methods := []string{auth.MethodPassword}
	switch {
	case len(held) == 0 && given.password == "":
		return out, missing("password")
	case len(held) == 0:
		err = i.prove(ctx, u, given.password)
	case given.code == "":
		return out, missing("code")
	default:
		methods = []string{auth.MethodOTP, auth.MethodMultiple}
		err = i.proveFactor(ctx, u, given.code)
	}
	if err != nil {
		return out, err
	}
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := i.second.factors.alone(ctx, u.ID); err != nil {
			return err
		}
		current, err := i.second.factors.confirmed(ctx, u.ID)
		if err != nil {
			return err
		}
		if len(current) > 0 && len(held) == 0 { // one was enrolled in the meantime
			return missing("code")
		}
		s, err := i.proved(ctx, c, methods...)
		if err != nil {
			return err
		}
		if out, err = i.access(ctx, s, c.CSRF != ""); err != nil {
			return err
		}
		return i.trail.Record(ctx, audit.Entry{
			Action: "identity.session.step_up", Target: sessionTarget(s.ID), Tenant: s.TenantID, Actor: s.UserID,
		})
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("step up: %w", err)
	}
	return out, nil
}

func missing(field string) error {
	return identityapi.ErrStepUpInvalid.With(problem.Field{Field: field, Code: "required", Message: "is required"})
}

// proved keeps that the caller has just given another proof. It wants to be called in a transaction.
func (i *identity) proved(ctx context.Context, c *auth.Caller, methods ...string) (Session, error) {
	return i.reprove(ctx, c, func(a authentication) authentication { return a.and(now(), methods...) })
}

// reprove changes what the caller's session has proved. Should that decide what its tenant lets it do, all replicas look
// again.
func (i *identity) reprove(ctx context.Context, c *auth.Caller, change func(authentication) authentication) (Session, error) {
	s, alive, err := i.sessions.current(ctx, c.SessionID, now())
	if err != nil {
		return s, err
	}
	if !alive {
		return s, identityapi.ErrSessionNotFound
	}
	before := s.Proof.several()
	s.Proof = change(s.Proof)
	if err := i.sessions.setProof(ctx, s.ID, s.Proof); err != nil {
		return s, err
	}
	if before == s.Proof.several() {
		return s, nil
	}
	return s, i.revoker.RecheckTenant(ctx, s.TenantID)
}
