package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/tenant"
)

// verifyEmail proves, with a mailed token, that a user reads mail at their address.
func (i *identity) verifyEmail(ctx context.Context, secret string) error {
	ctx = tenant.System(ctx, "e-mail verification")
	at := now()
	t, ok, err := i.mail.tokens.good(ctx, forVerification, hashToken(secret), at)
	if err != nil {
		return err
	}
	if !ok {
		return identityapi.ErrTokenInvalid
	}
	return i.tx.InTx(ctx, func(ctx context.Context) error {
		if err := i.claim(ctx, t); err != nil {
			return err
		}
		if err := i.mail.tokens.withdraw(ctx, t.UserID, forVerification, at); err != nil {
			return err
		}
		return i.note(ctx, "identity.email.verify", t.UserID)
	})
}

// claim uses a link up, which proves the address that it went to. It answers ErrTokenInvalid when another was faster, or
// when the user has another address by now.
func (i *identity) claim(ctx context.Context, t mailToken) error {
	at := now()
	claimed, err := i.mail.tokens.claim(ctx, t.ID, at)
	if err != nil {
		return err
	}
	if !claimed {
		return identityapi.ErrTokenInvalid
	}
	verified, err := i.users.verifyEmail(ctx, t.UserID, t.Email, at)
	if err == nil && !verified {
		err = identityapi.ErrTokenInvalid
	}
	return err
}

// resendVerification mails another link to a user who has not proved their address. All of it happens after the answer,
// which is the same for every address.
func (i *identity) resendVerification(ctx context.Context, email string) error {
	ctx = tenant.System(ctx, "e-mail verification")
	return i.later.do(ctx, "resend a verification", func(ctx context.Context) error {
		u, ok, err := i.reachable(ctx, email, forVerification)
		if err != nil || !ok || u.EmailVerifiedAt != nil {
			return err
		}
		if err := i.mail.verification(ctx, u); err != nil {
			return err
		}
		return i.note(ctx, "identity.email.resend", u.ID)
	})
}

// reachable finds the enabled user of an address who may be sent another link.
func (i *identity) reachable(ctx context.Context, email, purpose string) (u User, ok bool, err error) {
	u, err = i.users.byEmail(ctx, email)
	if err != nil || u.ID == uuid.Nil || u.DisabledAt != nil {
		return u, false, err
	}
	soon, err := i.mail.tooSoon(ctx, u, purpose)
	return u, !soon, err
}
