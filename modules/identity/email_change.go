package identity

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// emailChange is a new address that a user wants. It counts once the links to both addresses were followed: the old one
// proves that the user wants it, and not somebody at an unlocked screen; the new one, that it is theirs.
type emailChange struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	OldEmail  string
	NewEmail  string
	CreatedAt time.Time
	ExpiresAt time.Time

	oldHash, newHash               []byte // of the two tokens
	confirmedByOld, confirmedByNew bool
	closed                         bool
}

// requestEmailChange mails the two links. When the new address has an account already, the mail to it says so instead
// and the rest is the same: the caller does not learn it.
func (i *identity) requestEmailChange(ctx context.Context, c *auth.Caller, email, password string) error {
	if fault := checkEmail(email); fault != nil {
		return invalid(identityapi.ErrEmailInvalid, fault)
	}
	u, err := i.users.byID(ctx, c.UserID)
	if err != nil {
		return err
	}
	if err := i.prove(ctx, u, password); err != nil {
		return err
	}
	email = normalizeEmail(email)
	if email == u.Email {
		return invalid(identityapi.ErrEmailInvalid, &problem.Field{Field: "email", Code: "unchanged", Message: "is the present address"})
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	oldSecret, newSecret := newSecret(), newSecret()
	at := now()
	change := emailChange{
		ID: id, UserID: u.ID, OldEmail: u.Email, NewEmail: email, CreatedAt: at, ExpiresAt: at.Add(i.cfg.EmailChangeTTL),
		oldHash: hashToken(oldSecret), newHash: hashToken(newSecret),
	}
	return i.tx.InTx(tenant.System(ctx, "e-mail change"), func(ctx context.Context) error {
		last, found, err := i.changes.newest(ctx, u.ID)
		if err != nil {
			return err
		}
		if wait := last.CreatedAt.Add(i.cfg.MailInterval).Sub(at); found && wait > 0 {
			return identityapi.ErrTooSoon.After(wait)
		}
		owner, err := i.users.byEmail(ctx, email)
		if err != nil {
			return err
		}
		if err := i.changes.close(ctx, u.ID, at); err != nil {
			return err
		}
		if err := i.changes.insert(ctx, change); err != nil {
			return err
		}
		if err := i.mail.change(ctx, change, oldSecret, newSecret, owner.ID != uuid.Nil); err != nil {
			return err
		}
		return i.note(ctx, "identity.email.request_change", u.ID)
	})
}

// change mails the two links, or says that the new address is taken.
func (m *mailer) change(ctx context.Context, c emailChange, oldSecret, newSecret string, taken bool) error {
	ttl := c.ExpiresAt.Sub(c.CreatedAt)
	second := linkLetter(notify.Recipient{Email: c.NewEmail}, "email_change_new", m.link("confirm-email-change", newSecret), ttl)
	if taken {
		second = plainLetter(notify.Recipient{Email: c.NewEmail}, "email_change_taken", nil)
	}
	return errors.Join(
		m.send(ctx, linkLetter(notify.Recipient{User: c.UserID, Email: c.OldEmail}, "email_change_old", m.link("confirm-email-change", oldSecret), ttl)),
		m.send(ctx, second),
	)
}

// confirmEmailChange follows one of the two links, and reports whether that completed the change. Should the new address
// have been taken in the meantime, the link is as invalid as any other.
func (i *identity) confirmEmailChange(ctx context.Context, secret string) (completed bool, err error) {
	ctx = tenant.System(ctx, "e-mail change")
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		at := now()
		c, ok, err := i.changes.confirm(ctx, hashToken(secret), at)
		if err != nil {
			return err
		}
		if !ok {
			return identityapi.ErrTokenInvalid
		}
		if !c.confirmedByOld || !c.confirmedByNew {
			return i.note(ctx, "identity.email.confirm_change", c.UserID)
		}
		completed = true
		return i.completeEmailChange(ctx, c, at)
	})
	if errors.Is(err, identityapi.ErrEmailTaken) {
		err = identityapi.ErrTokenInvalid.Wrap(err)
	}
	return completed && err == nil, err
}

func (i *identity) completeEmailChange(ctx context.Context, c emailChange, at time.Time) error {
	changed, err := i.users.changeEmail(ctx, c.UserID, c.OldEmail, c.NewEmail, at)
	if err != nil {
		return err
	}
	if !changed {
		return identityapi.ErrTokenInvalid
	}
	if err := i.changes.close(ctx, c.UserID, at); err != nil {
		return err
	}
	if err := i.mail.send(ctx, plainLetter(notify.Recipient{User: c.UserID, Email: c.OldEmail}, "email_changed", nil)); err != nil {
		return err
	}
	return i.note(ctx, "identity.email.change", c.UserID)
}
