package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// keepInvitations is how long an invitation can be sent again after it has expired.
const keepInvitations = 30 * 24 * time.Hour

// tenantErasure removes deleted tenants whose grace period is over, with everything that every package keeps of them,
// and invitations that expired long ago. The audit trail stays.
type tenantErasure struct {
	tx          tx.Runner
	tenants     *tenants
	invitations *invitations
	erasers     []tenant.Eraser
	trail       audit.Recorder
}

var _ module.Housekeeper = (*tenantErasure)(nil)

func newTenantErasure(run tx.Runner, t *tenants, i *invitations, e module.Erasers, trail audit.Recorder) *tenantErasure {
	return &tenantErasure{tx: run, tenants: t, invitations: i, erasers: e.All, trail: trail}
}

// Name implements module.Housekeeper.
func (*tenantErasure) Name() string { return "identity.tenants" }

// Tidy takes one tenant at a time. One that cannot be erased does not keep the others.
func (e *tenantErasure) Tidy(ctx context.Context) (removed int, err error) {
	ctx = tenant.System(ctx, "tenant erasure")
	for {
		n, err := e.invitations.deleteExpired(ctx, now().Add(-keepInvitations), sweepBatch)
		if removed += n; err != nil {
			return removed, err
		}
		if n == 0 {
			break
		}
	}
	due, err := e.tenants.due(ctx, now(), sweepBatch)
	if err != nil {
		return removed, err
	}
	var errs []error
	for _, id := range due {
		n, err := e.erase(ctx, id)
		if removed += n; err != nil {
			errs = append(errs, fmt.Errorf("erase the tenant %s: %w", id, err))
		}
	}
	return removed, errors.Join(errs...)
}

// erase goes in small steps, which may be interrupted: the tenant itself goes last, so that the next round goes on.
func (e *tenantErasure) erase(ctx context.Context, id tenant.ID) (removed int, err error) {
	within := audit.Erasing(tenant.NewContext(ctx, id))
	for _, eraser := range e.erasers {
		for {
			n, err := eraser.Erase(within, id)
			if removed += n; err != nil {
				return removed, err
			}
			if n == 0 {
				break
			}
		}
	}
	err = e.tx.InTx(audit.Erasing(ctx), func(ctx context.Context) error {
		gone, err := e.tenants.erase(ctx, id, now())
		if err != nil || !gone { // another replica was faster, or the operator has called it off
			return err
		}
		removed++
		return e.trail.Record(ctx, audit.Entry{Action: "identity.tenant.erase", Target: tenantTarget(id), Tenant: id})
	})
	return removed, err
}
