package identity

import (
	"context"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// journeySweeper removes sign-ins with identity providers that came to nothing.
type journeySweeper struct{ journeys *journeys }

var _ module.Housekeeper = (*journeySweeper)(nil)

func newJourneySweeper(j *journeys) *journeySweeper { return &journeySweeper{journeys: j} }

// Name implements module.Housekeeper.
func (*journeySweeper) Name() string { return "identity.federations" }

// Tidy works in small statements, so that it never holds the database for long.
func (w *journeySweeper) Tidy(ctx context.Context) (int, error) {
	ctx = tenant.System(ctx, "housekeeping")
	before, removed := now(), 0
	for {
		n, err := w.journeys.deleteExpired(ctx, before, sweepBatch)
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
}
