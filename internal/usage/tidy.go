package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	rounds = 100                // transactions in one round of housekeeping
	gone   = 7 * 24 * time.Hour // how long after its last batch a writer is surely no more, or has long forgotten a batch that may have been written
)

var (
	_ module.Housekeeper = (*Recorder)(nil)
	_ tenant.Eraser      = (*Recorder)(nil)
)

// Name is the name of the housekeeping.
func (*Recorder) Name() string { return "usage" }

// Tidy rolls old hours up into days, and removes old days. Several replicas may do it at once, and one that dies has moved
// an hour or has not. An hour that a late replica adds to once more is moved once more.
func (r *Recorder) Tidy(ctx context.Context) (int, error) { return r.tidy(ctx, time.Now()) }

func (r *Recorder) tidy(ctx context.Context, now time.Time) (total int, err error) {
	ctx = tenant.System(ctx, "usage of tenants")
	length := int64(day / time.Second)
	for range rounds {
		n, err := r.rollUp(ctx, floor(now.Add(-r.cfg.KeepHours).Unix(), length))
		total += n
		if err != nil {
			return total, fmt.Errorf("roll up the usage of tenants: %w", err)
		}
		if n < batchRows {
			break
		}
	}
	for range rounds {
		n, err := r.exec(ctx, `DELETE FROM usage_days WHERE id IN (SELECT id FROM usage_days WHERE begins_s < $1 ORDER BY begins_s LIMIT $2)`,
			floor(now.Add(-r.cfg.KeepDays).Unix(), length), batchRows)
		total += n
		if err != nil {
			return total, fmt.Errorf("remove old usage of tenants: %w", err)
		}
		if n < batchRows {
			break
		}
	}
	if _, err := r.exec(ctx, `DELETE FROM usage_writers WHERE seen_ms < $1`, now.Add(-gone).UnixMilli()); err != nil {
		return total, fmt.Errorf("forget writers: %w", err)
	}
	return total, nil
}

// rollUp moves some of the hours before a second to their days, and returns how many.
func (r *Recorder) rollUp(ctx context.Context, before int64) (moved int, err error) {
	skip := ""
	if r.db.Dialect() == dialect.Postgres { // what another replica moves or adds to
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err = r.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := r.query(ctx, `DELETE FROM usage_hours WHERE id IN (SELECT id FROM usage_hours WHERE begins_s < $1
ORDER BY begins_s LIMIT $2`+skip+`) RETURNING `+columns, before, batchRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		moved = len(rows)
		return r.insert(ctx, days, sum(rows, int64(day/time.Second)))
	})
	return moved, err
}

// Erase implements tenant.Eraser. What this replica has not written yet is forgotten too; the others have written theirs
// long before the grace period of a tenant is over.
func (r *Recorder) Erase(ctx context.Context, id tenant.ID) (total int, err error) {
	r.forget(id)
	for _, t := range []table{hours, days} {
		n, err := r.exec(ctx, `DELETE FROM `+string(t)+` WHERE tenant_id = $1`, id) // there are 1,600 at most by default
		if err != nil {
			return total, fmt.Errorf("erase the usage of tenant %s: %w", id, err)
		}
		total += n
	}
	return total, nil
}

func (r *Recorder) forget(id tenant.ID) {
	r.writing.Lock()
	defer r.writing.Unlock()
	for i, b := range r.pending {
		r.pending[i].rows = slices.DeleteFunc(b.rows, func(one row) bool { return one.tenant == id })
	}
	r.pending = slices.DeleteFunc(r.pending, func(b batch) bool { return len(b.rows) == 0 })
	s := &r.shards[shardOf(id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.tallies {
		if k.tenant == id {
			delete(s.tallies, k)
			r.held.Add(-1)
		}
	}
}
