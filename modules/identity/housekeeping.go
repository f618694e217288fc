package identity

import (
	"context"
	"time"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	keepEnded  = 24 * time.Hour // so that what ended yesterday can still be looked into
	sweepBatch = 500
)

// sweeper removes sessions and refresh tokens that ended more than a day ago.
type sweeper struct{ sessions *sessions }

var _ module.Housekeeper = (*sweeper)(nil)

func newSweeper(s *sessions) *sweeper { return &sweeper{sessions: s} }

// Name implements module.Housekeeper.
func (*sweeper) Name() string { return "identity.sessions" }

// Tidy works in small statements, so that it never holds the database for long.
func (w *sweeper) Tidy(ctx context.Context) (int, error) {
	ctx = tenant.System(ctx, "housekeeping")
	before, removed := now().Add(-keepEnded), 0
	for {
		n, err := w.sessions.deleteEnded(ctx, before, sweepBatch)
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
}
