package identity

import (
	"context"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// signInSweeper removes sign-ins that nobody finished, and factors that nobody confirmed, a day after they were begun.
type signInSweeper struct {
	signIns *signIns
	factors *factors
}

var _ module.Housekeeper = (*signInSweeper)(nil)

func newSignInSweeper(s *signIns, f *factors) *signInSweeper {
	return &signInSweeper{signIns: s, factors: f}
}

// Name implements module.Housekeeper.
func (*signInSweeper) Name() string { return "identity.sign_ins" }

// Tidy works in small statements, so that it never holds the database for long.
func (w *signInSweeper) Tidy(ctx context.Context) (removed int, err error) {
	ctx = tenant.System(ctx, "housekeeping")
	before := now().Add(-keepEnded)
	for {
		expired, err := w.signIns.deleteExpired(ctx, before, sweepBatch)
		if err != nil {
			return removed, err
		}
		abandoned, err := w.factors.deleteAbandoned(ctx, before, sweepBatch)
		if removed += expired + abandoned; err != nil || expired+abandoned == 0 {
			return removed, err
		}
	}
}
