package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	batch = 1000
	round = 100 // batches in one round of housekeeping
)

var (
	_ module.Housekeeper  = (*Answers)(nil)
	_ tenant.Eraser       = (*Answers)(nil)
	_ tenant.MemberEraser = (*Answers)(nil)
)

// Name is the name of the housekeeping.
func (*Answers) Name() string { return "idempotency" }

// Tidy removes answers that have expired.
func (a *Answers) Tidy(ctx context.Context) (total int, err error) {
	ctx = tenant.System(ctx, "expired answers")
	for range round {
		n, err := a.exec(ctx, `DELETE FROM idempotency_answers WHERE id IN (SELECT id FROM idempotency_answers
WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2) AND expires_ms <= $1`, time.Now().UnixMilli(), batch)
		total += n
		if err != nil {
			return total, fmt.Errorf("remove expired answers: %w", err)
		}
		if n < batch {
			break
		}
	}
	return total, nil
}

// Erase implements tenant.Eraser.
func (a *Answers) Erase(ctx context.Context, id tenant.ID) (int, error) {
	n, err := a.exec(ctx, `DELETE FROM idempotency_answers WHERE id IN (SELECT id FROM idempotency_answers WHERE tenant_id = $1 LIMIT $2)`, id, batch)
	if err != nil {
		return 0, fmt.Errorf("erase the answers of tenant %s: %w", id, err)
	}
	return n, nil
}

// EraseMember implements tenant.MemberEraser.
func (a *Answers) EraseMember(ctx context.Context, id tenant.ID, user uuid.UUID) error {
	if _, err := a.exec(ctx, `DELETE FROM idempotency_answers WHERE tenant_id = $1 AND user_id = $2`, id, user); err != nil {
		return fmt.Errorf("erase the answers of a user: %w", err)
	}
	return nil
}
