package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// erasure removes users whose grace period is over, and mailed links that expired more than a day ago. The audit trail
// stays: it holds the user's id and nothing that says who that was. Whoever joined a tenant after its only owner had asked
// to be deleted is left without one: the operator decides.
type erasure struct {
	tx      tx.Runner
	users   *users
	tenants *tenants
	tokens  *mailTokens
	changes *emailChanges
	grants  authz.Grants
	trail   audit.Recorder
	erasers []tenant.MemberEraser
}

var _ module.Housekeeper = (*erasure)(nil)

func newErasure(
	run tx.Runner, u *users, t *tenants, tokens *mailTokens, changes *emailChanges, g authz.Grants, trail audit.Recorder,
	erasers module.MemberErasers,
) *erasure {
	return &erasure{tx: run, users: u, tenants: t, tokens: tokens, changes: changes, grants: g, trail: trail, erasers: erasers.All}
}

// Name implements module.Housekeeper.
func (*erasure) Name() string { return "identity.accounts" }

// Tidy takes one user at a time. One who cannot be erased does not keep the others.
func (e *erasure) Tidy(ctx context.Context) (removed int, err error) {
	ctx = tenant.System(ctx, "account erasure")
	before := now().Add(-keepEnded)
	for {
		tokens, err := e.tokens.deleteExpired(ctx, before, sweepBatch)
		if err != nil {
			return removed, err
		}
		changes, err := e.changes.deleteExpired(ctx, before, sweepBatch)
		if err != nil {
			return removed, err
		}
		if removed += tokens + changes; tokens+changes == 0 {
			break
		}
	}
	due, err := e.users.due(ctx, now(), sweepBatch)
	if err != nil {
		return removed, err
	}
	var errs []error
	for _, user := range due {
		switch erased, err := e.erase(ctx, user); {
		case err != nil:
			errs = append(errs, fmt.Errorf("erase the user %s: %w", user, err))
		case erased:
			removed++
		}
	}
	return removed, errors.Join(errs...)
}

// erase removes a user with memberships, sessions and roles. A tenant that nobody is left in is deleted too.
func (e *erasure) erase(ctx context.Context, user uuid.UUID) (erased bool, err error) {
	err = e.tx.InTx(ctx, func(ctx context.Context) error {
		held, err := e.tenants.lockOf(ctx, user)
		if err != nil {
			return err
		}
		at := now()
		if erased, err = e.users.erase(ctx, user, at); err != nil || !erased {
			return err // not erased: somebody signed in, or another replica was faster
		}
		ids := []tenant.ID{uuid.Nil} // a user without a tenant is noted in the platform's own trail
		for _, t := range held {
			ids = append(ids, t.ID)
			if err := eraseMember(ctx, e.erasers, t.ID, user); err != nil {
				return err
			}
			roles, err := e.grants.Roles(ctx, t.ID, user)
			if err != nil {
				return err
			}
			for _, role := range roles {
				if err := e.grants.Unassign(ctx, t.ID, user, role); err != nil {
					return err
				}
			}
		}
		if err := e.tenants.abandon(ctx, ids[1:], at); err != nil {
			return err
		}
		return e.trail.Record(ctx, audit.Entry{Action: "identity.user.erase", Target: userTarget(user), Tenant: ids[min(1, len(ids)-1)]})
	})
	return erased && err == nil, err
}
