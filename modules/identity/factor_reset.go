package identity

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/tenant"
)

// newFactorReset is what an operator's command is given of identity.
func newFactorReset(i *identity) identityapi.Factors { return i }

// Reset implements identityapi.Factors.
func (i *identity) Reset(ctx context.Context, email string) (removed int, err error) {
	err = i.tx.InTx(tenant.System(ctx, "reset of second factors"), func(ctx context.Context) error {
		u, err := i.users.byEmail(ctx, email)
		if err != nil || u.ID == uuid.Nil {
			return err
		}
		if _, err := i.second.factors.alone(ctx, u.ID); err != nil {
			return err
		}
		held, err := i.second.factors.confirmed(ctx, u.ID)
		if err != nil || len(held) == 0 {
			return err
		}
		removed = len(held)
		if err := i.second.factors.clear(ctx, u.ID); err != nil {
			return err
		}
		return errors.Join(
			i.endAll(ctx, u.ID, uuid.Nil),
			i.mail.send(ctx, plainLetter(reaching(u), "mfa_removed", nil)),
			i.note(ctx, "identity.mfa.reset", u.ID),
		)
	})
	return removed, err
}
