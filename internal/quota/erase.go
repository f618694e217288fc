package quota

import (
	"context"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/quota"
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

// Tidy removes reservations that have lapsed. What they reserved stays counted, and is told to the analytics.
func (q *Quotas) Tidy(ctx context.Context) (total int, err error) {
	ctx = tenant.System(ctx, "lapsed reservations")
	for range round {
		n := 0
		err := q.run.InTx(ctx, func(ctx context.Context) (err error) {
			n, err = q.lapse(ctx)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("remove lapsed reservations: %w", err)
		}
		total += n
		if n < batch {
			break
		}
	}
	return total, nil
}

// lapse removes a batch in the transaction in ctx.
func (q *Quotas) lapse(ctx context.Context) (n int, err error) {
	var rows entsql.Rows
	if err := q.ledger.db.Query(ctx, `DELETE FROM quota_reservations WHERE id IN (SELECT id FROM quota_reservations
WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2) RETURNING tenant_id, unit, amount`, []any{q.now().UnixMilli(), batch}, &rows); err != nil {
		return 0, err
	}
	for ; rows.Next(); n++ {
		var id tenant.ID
		var unit string
		var amount int64
		if err := rows.Scan(&id, &unit, &amount); err != nil {
			return n, errors.Join(err, rows.Close())
		}
		q.tell(ctx, id, quota.Unit(unit), amount)
	}
	return n, errors.Join(rows.Err(), rows.Close())
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
