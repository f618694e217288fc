package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// forgotPassword mails a link to a new password. All of it happens after the answer, which is the same for every
// address.
func (i *identity) forgotPassword(ctx context.Context, email string) error {
	ctx = tenant.System(ctx, "password reset")
	return i.later.do(ctx, "mail a password reset", func(ctx context.Context) error {
		u, ok, err := i.reachable(ctx, email, forReset)
		if err != nil || !ok {
			return err
		}
		if err := i.mail.reset(ctx, u); err != nil {
			return err
		}
		return i.note(ctx, "identity.password.forgot", u.ID)
	})
}

// resetPassword sets a new password with a mailed token. Whoever knew the old password may have done more with it: every
// session ends, and so do changes of the address that are under way. A weak password does not use the token up.
func (i *identity) resetPassword(ctx context.Context, secret, password string) error {
	ctx = tenant.System(ctx, "password reset")
	t, ok, err := i.mail.tokens.good(ctx, forReset, hashToken(secret), now())
	if err != nil {
		return err
	}
	if !ok {
		return identityapi.ErrTokenInvalid
	}
	u, err := i.users.byID(ctx, t.UserID)
	if err != nil {
		return err
	}
	if u.DisabledAt != nil || u.Email != t.Email {
		return identityapi.ErrTokenInvalid
	}
	hash, err := i.newHash(ctx, u, "password", password)
	if err != nil {
		return err
	}
	return i.tx.InTx(ctx, func(ctx context.Context) error {
		if err := i.claim(ctx, t); err != nil {
			return err
		}
		if err := i.users.resetPassword(ctx, u.ID, hash, now()); err != nil {
			return err
		}
		if err := i.passwordChanged(ctx, u, uuid.Nil); err != nil {
			return err
		}
		return i.note(ctx, "identity.password.reset", u.ID)
	})
}

// changePassword sets a new password for a caller who knows the old one, and ends the caller's other sessions.
func (i *identity) changePassword(ctx context.Context, c *auth.Caller, current, wanted string) error {
	u, err := i.users.byID(ctx, c.UserID)
	if err != nil {
		return err
	}
	if err := i.prove(ctx, u, current); err != nil {
		return err
	}
	hash, err := i.newHash(ctx, u, "new_password", wanted)
	if err != nil {
		return err
	}
	return i.tx.InTx(ctx, func(ctx context.Context) error {
		changed, err := i.users.setPassword(ctx, u.ID, u.PasswordHash, hash, now())
		if err != nil {
			return err
		}
		if !changed { // by somebody else, in the meantime
			return identityapi.ErrPasswordWrong
		}
		if err := i.passwordChanged(ctx, u, c.SessionID); err != nil {
			return err
		}
		return i.note(ctx, "identity.password.change", u.ID)
	})
}

// passwordChanged takes from everybody else what the old password may have given them, and tells the user.
func (i *identity) passwordChanged(ctx context.Context, u User, spared uuid.UUID) error {
	at := now()
	if err := i.mail.tokens.withdraw(ctx, u.ID, forReset, at); err != nil {
		return err
	}
	if err := i.changes.close(ctx, u.ID, at); err != nil {
		return err
	}
	if err := i.endAll(ctx, u.ID, spared); err != nil {
		return err
	}
	return i.mail.send(ctx, plainLetter(reaching(u), "password_changed", nil))
}
