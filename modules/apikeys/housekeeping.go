package apikeys

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	keepExpired = 30 * 24 * time.Hour // so that it can be seen why something stopped working
	keepRetired = 24 * time.Hour
)

// sweeper removes keys that expired long ago, secrets that were rotated away, and personal keys of whoever is a member
// no longer: those would work again for nobody, since they belong to a membership.
type sweeper struct {
	tx         tx.Runner
	store      *store
	principals auth.Principals
}

var _ module.Housekeeper = (*sweeper)(nil)

func newSweeper(run tx.Runner, s *store, p auth.Principals) *sweeper {
	return &sweeper{tx: run, store: s, principals: p}
}

// Name implements module.Housekeeper.
func (*sweeper) Name() string { return "apikeys.keys" }

// Tidy works in small statements, so that it never holds the database for long.
func (w *sweeper) Tidy(ctx context.Context) (removed int, err error) {
	ctx = tenant.System(ctx, "housekeeping")
	if removed, err = w.store.deleteRetired(ctx, now().Add(-keepRetired)); err != nil {
		return removed, err
	}
	for {
		ids, err := w.store.expired(ctx, now().Add(-keepExpired))
		if err != nil || len(ids) == 0 {
			return w.departed(ctx, removed, err)
		}
		if err := w.remove(ctx, ids); err != nil {
			return removed, err
		}
		removed += len(ids)
	}
}

func (w *sweeper) departed(ctx context.Context, removed int, err error) (int, error) {
	after := uuid.Nil
	for err == nil {
		keys, members, failed := w.store.personal(ctx, after)
		if failed != nil || len(keys) == 0 {
			return removed, failed
		}
		after = keys[len(keys)-1]
		gone, failed := w.principals.Departed(ctx, members)
		if failed != nil {
			return removed, failed
		}
		left := map[uuid.UUID]bool{}
		for _, member := range gone {
			left[member] = true
		}
		var ids []uuid.UUID
		for i, key := range keys {
			if left[members[i]] {
				ids = append(ids, key)
			}
		}
		if len(ids) > 0 {
			err = w.remove(ctx, ids)
			removed += len(ids)
		}
	}
	return removed, err
}

func (w *sweeper) remove(ctx context.Context, ids []uuid.UUID) error {
	return w.tx.InTx(ctx, func(ctx context.Context) error { return w.store.delete(ctx, ids...) })
}
