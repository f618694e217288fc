package identity

import (
	"context"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
)

// lockoutSweeper removes failures that count no more.
type lockoutSweeper struct {
	store *lockouts
	rules auth.LockoutRules
}

var _ module.Housekeeper = (*lockoutSweeper)(nil)

func newLockoutSweeper(s *lockouts, rules auth.LockoutRules) *lockoutSweeper {
	return &lockoutSweeper{store: s, rules: rules}
}

// Name implements module.Housekeeper.
func (*lockoutSweeper) Name() string { return "identity.lockouts" }

// Tidy works in small statements, so that it never holds the database for long.
func (w *lockoutSweeper) Tidy(ctx context.Context) (int, error) {
	before, removed := now().Add(-factorRules(w.rules).ResetAfter), 0
	for {
		n, err := w.store.deleteBefore(ctx, before, sweepBatch)
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
}
