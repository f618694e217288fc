package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	cleanBatch = 1000
	cleanRound = 100 // batches in one round of housekeeping
)

// Cleaner removes what nobody needs any more.
type Cleaner struct{ *Jobs }

var (
	_ module.Housekeeper = (*Cleaner)(nil)
	_ tenant.Eraser      = (*Cleaner)(nil)
)

// Name is the name of the housekeeping.
func (*Cleaner) Name() string { return "jobs" }

// Tidy removes jobs that have been done for longer than they are kept. One whose unique key is still taken stays.
func (c *Cleaner) Tidy(ctx context.Context) (total int, err error) {
	for range cleanRound {
		n, err := exec(all(ctx), c.db, `DELETE FROM jobs_jobs WHERE id IN (SELECT id FROM jobs_jobs
WHERE expires_ms > 0 AND expires_ms <= $1 AND unique_ms <= $1 AND state IN (4, 5, 6) ORDER BY expires_ms LIMIT $2)`, time.Now().UnixMilli(), cleanBatch)
		total += n
		if err != nil {
			return total, fmt.Errorf("remove old jobs: %w", err)
		}
		if n < cleanBatch {
			break
		}
	}
	return total, nil
}

// Erase implements tenant.Eraser. A job that is running loses its row, and with it whatever it has not committed.
func (c *Cleaner) Erase(ctx context.Context, id tenant.ID) (int, error) {
	n, err := exec(ctx, c.db, `DELETE FROM jobs_jobs WHERE id IN (SELECT id FROM jobs_jobs WHERE tenant_id = $1 ORDER BY id LIMIT $2)`, id, cleanBatch)
	if err != nil {
		return 0, fmt.Errorf("erase the jobs of tenant %s: %w", id, err)
	}
	return n, nil
}
