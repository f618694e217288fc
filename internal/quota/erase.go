package quota

import (
	"context"
	"fmt"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	batch = 1000
	round = 100 // batches in one round of housekeeping
)

var (
	_ module.Housekeeper = (*Quotas)(nil)
	_ tenant.Eraser      = (*Quotas)(nil)
)

// Name is the name of the housekeeping.
func (*Quotas) Name() string { return "quota.reservations" }

// Tidy removes reservations that have lapsed. What they reserved stays counted.
func (q *Quotas) Tidy(ctx context.Context) (total int, err error) {
	ctx = tenant.System(ctx, "lapsed reservations")
	for range round {
		n, err := q.ledger.exec(ctx, `DELETE FROM quota_reservations WHERE id IN (SELECT id FROM quota_reservations
WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2)`, q.now().UnixMilli(), batch)
		total += n
		if err != nil {
			return total, fmt.Errorf("remove lapsed reservations: %w", err)
		}
		if n < batch {
			break
		}
	}
	return total, nil
}

// Erase implements tenant.Eraser.
func (q *Quotas) Erase(ctx context.Context, id tenant.ID) (int, error) {
	n, err := q.ledger.exec(ctx, `DELETE FROM quota_reservations WHERE id IN (SELECT id FROM quota_reservations WHERE tenant_id = $1 LIMIT $2)`, id, batch)
	if err != nil {
		return n, fmt.Errorf("erase the reservations of tenant %s: %w", id, err)
	}
	more, err := q.ledger.exec(ctx, `DELETE FROM quota_counters WHERE tenant_id = $1`, id)
	if err != nil {
		return n, fmt.Errorf("erase the counters of tenant %s: %w", id, err)
	}
	return n + more, nil
}
