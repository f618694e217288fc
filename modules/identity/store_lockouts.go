package identity

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entlockout "github.com/yourorg/platform/modules/identity/internal/ent/lockout"
)

// lockouts keeps failures.
type lockouts struct{ client *ent.Client }

func newLockouts(c *ent.Client) *lockouts { return &lockouts{client: c} }

// forChange returns the failures of an account, none at first, and locks them until the transaction ends.
func (s *lockouts) forChange(ctx context.Context, id string) (failures, error) {
	for range 10 {
		err := s.client.Lockout.Create().SetID(id).SetFailures(0).SetLastFailedAt(now()).
			OnConflict(sql.ConflictColumns(entlockout.FieldID), sql.DoNothing()).Exec(ctx)
		if err != nil && !errors.Is(err, stdsql.ErrNoRows) {
			return failures{}, wrap("begin a lockout", err)
		}
		row, err := s.client.Lockout.Query().Where(entlockout.ID(id), func(s *sql.Selector) {
			if s.Dialect() == dialect.Postgres { // SQLite has one writer at a time
				s.ForUpdate()
			}
		}).Only(ctx)
		if ent.IsNotFound(err) { // a sign-in that succeeded has just removed it
			continue
		}
		if err != nil {
			return failures{}, wrap("find a lockout", err)
		}
		f := failures{count: row.Failures, lastAt: row.LastFailedAt}
		if row.LockedUntil != nil {
			f.lockedUntil = *row.LockedUntil
		}
		return f, nil
	}
	return failures{}, errors.New("begin a lockout: it is removed all the time")
}

func (s *lockouts) update(ctx context.Context, id string, f failures) error {
	update := s.client.Lockout.UpdateOneID(id).SetFailures(f.count).SetLastFailedAt(f.lastAt)
	if f.lockedUntil.IsZero() {
		update.ClearLockedUntil()
	} else {
		update.SetLockedUntil(f.lockedUntil)
	}
	return wrap("update a lockout", update.Exec(ctx))
}

func (s *lockouts) decrement(ctx context.Context, id string) error {
	return wrap("update a lockout", s.client.Lockout.Update().Where(entlockout.ID(id), entlockout.FailuresGT(0)).AddFailures(-1).Exec(ctx))
}

func (s *lockouts) forget(ctx context.Context, ids ...string) error {
	_, err := s.client.Lockout.Delete().Where(entlockout.IDIn(ids...)).Exec(ctx)
	return wrap("forget a lockout", err)
}

// deleteBefore looks at the time again when it deletes: there may have been another failure in between.
func (s *lockouts) deleteBefore(ctx context.Context, before time.Time, limit int) (int, error) {
	old := entlockout.LastFailedAtLT(before)
	ids, err := s.client.Lockout.Query().Where(old).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find old lockouts", err)
	}
	n, err := s.client.Lockout.Delete().Where(entlockout.IDIn(ids...), old).Exec(ctx)
	return n, wrap("delete lockouts", err)
}
