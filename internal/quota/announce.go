package quota

import (
	"context"
	"fmt"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// levels are the percentages that are announced.
var levels = []int64{80, 100}

// mostLate bounds what is remembered to be announced later.
const mostLate = 10_000

// late is a row of which something has to be announced.
type late struct {
	id   tenant.ID
	unit quota.Unit
}

// due are the events that a row asks for, and marks them as announced in the row.
func due(r *row, limits []quota.Limit) []quota.Reached {
	var all []quota.Reached
	for _, l := range limits {
		c := &r[index(l)]
		told := c.told
		if c.toldOf != l.Amount {
			told = 0
		}
		for _, level := range levels {
			if c.used > 0 && c.used*5 >= l.Amount*level/20 && level > told {
				all = append(all, quota.Reached{
					Unit: l.Unit, Window: l.Window, Percent: int(level), Used: c.used, Limit: l.Amount, Soft: l.Soft,
				})
				c.told, c.toldOf = level, l.Amount
			}
		}
	}
	return all
}

// announce publishes what a row, which is locked, asks for, in the transaction in ctx.
func (q *Quotas) announce(ctx context.Context, id tenant.ID, u quota.Unit, r *row, limits []quota.Limit) error {
	events := due(r, limits)
	if len(events) == 0 {
		return nil
	}
	args := []any{id, string(u)}
	for _, c := range r {
		args = append(args, c.told, c.toldOf)
	}
	if _, err := q.ledger.exec(ctx, q.ledger.tell, args...); err != nil {
		return fmt.Errorf("mark a limit as announced: %w", err)
	}
	for _, e := range events {
		if err := q.events.Publish(ctx, e); err != nil {
			return fmt.Errorf("announce that a limit is reached: %w", err)
		}
	}
	return nil
}

// later notes that something has to be announced.
func (q *Quotas) later(id tenant.ID, u quota.Unit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.late) < mostLate {
		q.late[late{id, u}] = struct{}{}
	}
}

// announceLate announces what was noted. What fails is noted again by the next refusal.
func (q *Quotas) announceLate(ctx context.Context) error {
	q.mu.Lock()
	noted := q.late
	q.late = map[late]struct{}{}
	q.mu.Unlock()
	for l := range noted {
		ctx := tenant.NewContext(ctx, l.id)
		a, err := q.account(ctx, l.unit)
		if err != nil {
			return err
		}
		err = q.run.InTx(ctx, func(ctx context.Context) error {
			r, err := q.ledger.one(ctx, q.ledger.lock, l.id, string(l.unit))
			if err != nil || r == nil {
				return err
			}
			current := r.at(a.at) // nothing is due in a window that has ended
			return q.announce(ctx, l.id, l.unit, &current, a.limits)
		})
		if err != nil {
			return fmt.Errorf("announce that a limit was lowered below the use: %w", err)
		}
	}
	return nil
}
