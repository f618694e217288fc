package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// security is what a user can know about their own factors.
type security struct {
	factors  []Factor
	codes    int  // recovery codes that are left
	required bool // by the tenant that the caller acts in
}

func (i *identity) mfa(ctx context.Context, c *auth.Caller) (s security, err error) {
	if s.factors, err = i.second.factors.confirmed(ctx, c.UserID); err != nil {
		return s, err
	}
	if s.codes, err = i.second.factors.codesLeft(ctx, c.UserID); err != nil {
		return s, err
	}
	t, err := i.tenants.byID(ctx, c.TenantID)
	s.required = t.RequireMFA
	return s, err
}

// beginTOTP makes a factor that counts once it is confirmed. One that was begun before is replaced.
func (i *identity) beginTOTP(ctx context.Context, c *auth.Caller) (shown enrolment, err error) {
	if c.SessionID == uuid.Nil {
		return shown, identityapi.ErrSessionRequired
	}
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		u, err := i.second.factors.alone(ctx, c.UserID)
		if err != nil {
			return err
		}
		held, err := i.second.factors.confirmed(ctx, u.ID)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return identityapi.ErrMFAEnrolled
		}
		if _, err := i.second.factors.delete(ctx, u.ID, kindTOTP, true); err != nil {
			return err
		}
		var f Factor
		if f, shown, err = i.second.newFactor(u, kindTOTP); err != nil {
			return err
		}
		if err := i.second.factors.insert(ctx, f); err != nil {
			return err
		}
		return i.note(ctx, "identity.mfa.begin", u.ID)
	})
	return shown, err
}

func (f *secondFactor) newFactor(u User, kind string) (n Factor, shown enrolment, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return n, shown, err
	}
	n = Factor{ID: id, UserID: u.ID, Kind: kind, CreatedAt: now()}
	kept, shown, err := f.kinds[kind].enrol(u)
	if err != nil {
		return n, shown, err
	}
	if n.sealed, err = f.sealer.Seal(kept, n.sealContext()); err != nil {
		return n, shown, fmt.Errorf("seal a factor: %w", err)
	}
	return n, shown, nil
}

// confirmTOTP lets the factor count that was begun, and returns the recovery codes. The caller has proved it with that.
// Every other session of the user was begun without it and ends: from here on, each has it.
func (i *identity) confirmTOTP(ctx context.Context, c *auth.Caller, typed string) (shown []string, err error) {
	if c.SessionID == uuid.Nil {
		return nil, identityapi.ErrSessionRequired
	}
	u, err := i.users.byID(ctx, c.UserID)
	if err != nil {
		return nil, err
	}
	begun, err := i.second.begun(ctx, u)
	if err != nil {
		return nil, err
	}
	attempt, err := i.second.begin(ctx, u)
	if err != nil {
		return nil, err
	}
	mark, ok, err := i.second.verify(begun, normalizeCode(typed))
	if err != nil {
		return nil, attempt.undecided(ctx, err)
	}
	if !ok {
		return nil, identityapi.ErrCodeWrong
	}
	shown, kept, err := i.second.key.newRecoveryCodes(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	err = i.tx.InTx(tenant.System(ctx, "second factor"), func(ctx context.Context) error {
		if _, err := i.second.factors.alone(ctx, u.ID); err != nil {
			return err
		}
		confirmed, err := i.second.factors.confirm(ctx, begun.ID, mark, now())
		if err != nil {
			return err
		}
		if !confirmed { // by another request, or begun anew
			return identityapi.ErrMFAEnrolled
		}
		if err := i.second.factors.replaceCodes(ctx, u.ID, kept, now()); err != nil {
			return err
		}
		if _, err := i.proved(ctx, c, auth.MethodOTP, auth.MethodMultiple); err != nil {
			return err
		}
		return errors.Join(
			i.endAll(ctx, u.ID, c.SessionID),
			i.mail.send(ctx, plainLetter(reaching(u), "mfa_added", nil)),
			i.note(ctx, "identity.mfa.enrol", u.ID),
		)
	})
	if err != nil {
		return nil, err
	}
	return shown, attempt.succeeded(ctx)
}

// begun is the factor that a user is enrolling.
func (f *secondFactor) begun(ctx context.Context, u User) (Factor, error) {
	all, err := f.factors.of(ctx, u.ID)
	if err != nil {
		return Factor{}, err
	}
	found, newest := false, Factor{}
	for _, factor := range all {
		switch {
		case factor.Kind != kindTOTP:
		case factor.ConfirmedAt != nil:
			return Factor{}, identityapi.ErrMFAEnrolled
		default:
			found, newest = true, factor
		}
	}
	if !found {
		return Factor{}, identityapi.ErrMFANotEnrolled
	}
	return newest, nil
}

// removeTOTP takes the factor away, with the recovery codes that stand in for it. Sessions that were begun with it end,
// but the caller's, which has proved less from now on.
func (i *identity) removeTOTP(ctx context.Context, c *auth.Caller) error {
	return i.tx.InTx(tenant.System(ctx, "second factor"), func(ctx context.Context) error {
		u, err := i.second.factors.alone(ctx, c.UserID)
		if err != nil {
			return err
		}
		held, err := i.second.factors.confirmed(ctx, u.ID)
		if err != nil {
			return err
		}
		n, err := i.second.factors.delete(ctx, u.ID, kindTOTP, false)
		if err != nil {
			return err
		}
		if n == 0 {
			return identityapi.ErrMFANotEnrolled
		}
		if len(held) == 0 { // it was only begun
			return i.note(ctx, "identity.mfa.cancel", u.ID)
		}
		if err := i.second.factors.clear(ctx, u.ID); err != nil {
			return err
		}
		if _, err := i.reprove(ctx, c, authentication.without); err != nil {
			return err
		}
		return errors.Join(
			i.endAll(ctx, u.ID, c.SessionID),
			i.mail.send(ctx, plainLetter(reaching(u), "mfa_removed", nil)),
			i.note(ctx, "identity.mfa.remove", u.ID),
		)
	})
}

// renewRecoveryCodes makes new recovery codes; those before are good no longer.
func (i *identity) renewRecoveryCodes(ctx context.Context, c *auth.Caller) (shown []string, err error) {
	shown, kept, err := i.second.key.newRecoveryCodes(ctx, c.UserID)
	if err != nil {
		return nil, err
	}
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		u, err := i.second.factors.alone(ctx, c.UserID)
		if err != nil {
			return err
		}
		held, err := i.second.factors.confirmed(ctx, u.ID)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return identityapi.ErrMFANotEnrolled
		}
		if err := i.second.factors.replaceCodes(ctx, u.ID, kept, now()); err != nil {
			return err
		}
		return errors.Join(
			i.mail.send(ctx, plainLetter(reaching(u), "recovery_codes_renewed", nil)),
			i.note(ctx, "identity.mfa.renew_recovery_codes", u.ID),
		)
	})
	return shown, err
}
