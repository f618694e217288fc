package identity

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// requestDeletion has the caller erased after the grace period and ends all their sessions. It returns when that will
// be. Asking again changes nothing.
func (i *identity) requestDeletion(ctx context.Context, c *auth.Caller, password string) (due time.Time, err error) {
	u, err := i.users.byID(ctx, c.UserID)
	if err != nil {
		return due, err
	}
	if err := i.prove(ctx, u, password); err != nil {
		return due, err
	}
	at := now()
	due = at.Add(i.cfg.DeletionGrace)
	err = i.tx.InTx(tenant.System(ctx, "account deletion"), func(ctx context.Context) error {
		if err := i.mayLeaveAll(ctx, u.ID); err != nil {
			return err
		}
		asked, err := i.users.setDeletion(ctx, u.ID, &due, at)
		if err != nil || !asked {
			return err
		}
		if err := i.changes.close(ctx, u.ID, at); err != nil {
			return err
		}
		if err := i.endAll(ctx, u.ID, uuid.Nil); err != nil {
			return err
		}
		if err := i.revoker.RecheckUser(ctx, u.ID); err != nil {
			return err
		}
		if err := i.mail.send(ctx, plainLetter(reaching(u), "deletion_requested", fields{"due": due.UTC()})); err != nil {
			return err
		}
		return i.note(ctx, "identity.user.request_deletion", u.ID)
	})
	if err == nil && u.DeletionDueAt != nil {
		due = *u.DeletionDueAt
	}
	return due, err
}

// mayLeaveAll answers ErrLastOwner when a tenant of the user would be left with members and without an owner. The
// operator's tenant always needs one.
func (i *identity) mayLeaveAll(ctx context.Context, user uuid.UUID) error {
	held, err := i.tenants.lockOf(ctx, user)
	if err != nil {
		return err
	}
	for _, t := range held {
		others, err := i.tenants.others(ctx, t.ID, user)
		if err != nil {
			return err
		}
		if len(others) == 0 && t.Kind != operator {
			continue
		}
		for _, role := range kept {
			holders, err := i.grants.Holders(ctx, t.ID, role)
			if err != nil {
				return err
			}
			if !slices.Contains(holders, user) {
				continue
			}
			n, err := i.users.staying(ctx, slices.DeleteFunc(slices.Clone(others), func(id uuid.UUID) bool {
				return !slices.Contains(holders, id)
			}))
			if err != nil {
				return err
			}
			if n == 0 {
				return identityapi.ErrLastOwner.Detailf("Nobody else holds the role %s in %s. Give it to somebody first, or delete the tenant.", role, t.Slug)
			}
		}
	}
	return nil
}

// restore keeps a user who signs in during the grace period. It wants to be called in the transaction of the sign-in:
// whoever could sign in is the user, and a link in a mail would prove no more.
func (i *identity) restore(ctx context.Context, u User) error {
	if u.DeletionDueAt == nil {
		return nil
	}
	kept, err := i.users.setDeletion(ctx, u.ID, nil, now())
	if err != nil {
		return err
	}
	if !kept { // erased, or restored by another sign-in
		return nil
	}
	if err := i.mail.send(ctx, plainLetter(reaching(u), "deletion_cancelled", nil)); err != nil {
		return err
	}
	return i.note(ctx, "identity.user.restore", u.ID)
}
