package quota

import (
	"context"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// maxLasts is the longest that a reservation may last.
const maxLasts = 31 * 24 * time.Hour

const (
	keepReservation = `INSERT INTO quota_reservations (id, tenant_id, unit, amount, minute, hour, day, month, expires_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	takeReservation = `DELETE FROM quota_reservations WHERE id = $1 AND tenant_id = $2 AND expires_ms > $3
RETURNING unit, amount, minute, hour, day, month`
)

// Reserve implements quota.Quotas.
func (q *Quotas) Reserve(ctx context.Context, u quota.Unit, n int64, lasts time.Duration) (uuid.UUID, error) {
	if n < 1 || n > quota.MaxAmount {
		return uuid.Nil, quota.ErrAmount
	}
	if lasts < time.Millisecond || lasts > maxLasts {
		return uuid.Nil, fmt.Errorf("a reservation that lasts for %s: at most %s, and a millisecond at least", lasts, maxLasts)
	}
	a, err := q.account(ctx, u)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, err
	}
	_, err = q.consume(ctx, a, n, func(ctx context.Context, r *row) error {
		at, until := r.numbers(), a.now.Add(lasts).UnixMilli()
		_, err := q.ledger.exec(ctx, keepReservation, id, a.id, string(u), n, at[0], at[1], at[2], at[3], until)
		return err
	})
	if err != nil {
		return uuid.Nil, err
	}
	return id, nil
}

// Release implements quota.Quotas.
func (q *Quotas) Release(ctx context.Context, id uuid.UUID) error { return q.Settle(ctx, id, 0) }

// Settle implements quota.Quotas.
func (q *Quotas) Settle(ctx context.Context, id uuid.UUID, actual int64) error {
	if actual < 0 || actual > quota.MaxAmount {
		return quota.ErrAmount
	}
	in, ok := tenant.FromContext(ctx)
	if !ok {
		return tenant.ErrMissing
	}
	t, err := q.terms.Of(ctx, in)
	if err != nil {
		return err
	}
	unknown := false
	err = q.run.InTx(ctx, func(ctx context.Context) error {
		u, amount, at, err := q.take(ctx, in, id)
		if unknown = errors.Is(err, quota.ErrReservation); unknown { // which does not spoil the transaction of the caller
			return nil
		}
		if err != nil {
			return err
		}
		q.tell(ctx, in, u, actual)
		if actual == amount {
			return nil
		}
		r, err := q.ledger.change(ctx, in, u, actual-amount, at)
		if err != nil || r == nil || actual < amount {
			return err
		}
		return q.announce(ctx, in, u, r, t.Limits(u))
	})
	if err != nil {
		return fmt.Errorf("settle a reservation: %w", err)
	}
	if unknown {
		return quota.ErrReservation
	}
	return nil
}

// take ends a reservation: only one of several that try succeeds.
func (q *Quotas) take(ctx context.Context, in tenant.ID, id uuid.UUID) (u quota.Unit, amount int64, at numbers, err error) {
	var rows entsql.Rows
	if err := q.ledger.db.Query(ctx, takeReservation, []any{id, in, q.now().UnixMilli()}, &rows); err != nil {
		return "", 0, at, err
	}
	err = quota.ErrReservation
	if rows.Next() {
		var unit string
		err = rows.Scan(&unit, &amount, &at[0], &at[1], &at[2], &at[3])
		u = quota.Unit(unit)
	}
	if failed := errors.Join(rows.Err(), rows.Close()); failed != nil {
		err = failed
	}
	return u, amount, at, err
}
