package identity

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entfactor "github.com/yourorg/platform/modules/identity/internal/ent/factor"
	entrecovery "github.com/yourorg/platform/modules/identity/internal/ent/recoverycode"
	entuser "github.com/yourorg/platform/modules/identity/internal/ent/user"
)

// factors keeps second factors and the recovery codes that stand in for them.
type factors struct{ client *ent.Client }

func newFactors(c *ent.Client) *factors { return &factors{client: c} }

// alone reads a user for a transaction that goes on to change the user's factors. It waits for sessions of the user
// that are being begun, and lets no other begin until it ends: a new session refers to the user's row.
func (s *factors) alone(ctx context.Context, user uuid.UUID) (User, error) {
	row, err := s.client.User.Query().Where(entuser.ID(user), func(s *sql.Selector) {
		if s.Dialect() == dialect.Postgres { // SQLite has one writer at a time
			s.ForUpdate()
		}
	}).Only(ctx)
	if err != nil {
		return User{}, wrap("lock user", err)
	}
	return toUser(row), nil
}

func (s *factors) insert(ctx context.Context, f Factor) error {
	return wrap("insert factor", s.client.Factor.Create().SetID(f.ID).SetUserID(f.UserID).SetKind(entfactor.Kind(f.Kind)).
		SetSealed(f.sealed).SetCreatedAt(f.CreatedAt).Exec(ctx))
}

// of lists the factors of a user, oldest first, those that are still being enrolled included.
func (s *factors) of(ctx context.Context, user uuid.UUID) ([]Factor, error) {
	rows, err := s.client.Factor.Query().Where(entfactor.UserID(user)).Order(ent.Asc(entfactor.FieldID)).All(ctx)
	if err != nil {
		return nil, wrap("list factors", err)
	}
	list := make([]Factor, len(rows))
	for i, row := range rows {
		list[i] = toFactor(row)
	}
	return list, nil
}

// confirmed lists the factors that a user has to prove.
func (s *factors) confirmed(ctx context.Context, user uuid.UUID) ([]Factor, error) {
	all, err := s.of(ctx, user)
	var list []Factor
	for _, f := range all {
		if f.ConfirmedAt != nil {
			list = append(list, f)
		}
	}
	return list, err
}

// confirm lets a factor count. Of any number of attempts exactly one reports true.
func (s *factors) confirm(ctx context.Context, id uuid.UUID, mark int64, at time.Time) (bool, error) {
	n, err := s.client.Factor.Update().Where(entfactor.ID(id), entfactor.ConfirmedAtIsNil()).
		SetConfirmedAt(at).SetLastUsedAt(at).SetMark(mark).Save(ctx)
	return n > 0, wrap("confirm factor", err)
}

// claim uses a proof up. Of any number of attempts with one mark, on whatever replicas, exactly one reports true.
func (s *factors) claim(ctx context.Context, id uuid.UUID, mark int64, at time.Time) (bool, error) {
	n, err := s.client.Factor.Update().Where(entfactor.ID(id), entfactor.ConfirmedAtNotNil(), entfactor.MarkLT(mark)).
		SetMark(mark).SetLastUsedAt(at).Save(ctx)
	return n > 0, wrap("claim a proof", err)
}

// delete removes the factors of a kind that a user has, or only those that are being enrolled.
func (s *factors) delete(ctx context.Context, user uuid.UUID, kind string, enrolling bool) (int, error) {
	remove := s.client.Factor.Delete().Where(entfactor.UserID(user), entfactor.KindEQ(entfactor.Kind(kind)))
	if enrolling {
		remove.Where(entfactor.ConfirmedAtIsNil())
	}
	n, err := remove.Exec(ctx)
	return n, wrap("delete factors", err)
}

// clear removes everything.
func (s *factors) clear(ctx context.Context, user uuid.UUID) error {
	if _, err := s.client.Factor.Delete().Where(entfactor.UserID(user)).Exec(ctx); err != nil {
		return wrap("delete factors", err)
	}
	return s.replaceCodes(ctx, user, nil, time.Time{})
}

// replaceCodes makes other recovery codes the only ones of a user.
func (s *factors) replaceCodes(ctx context.Context, user uuid.UUID, hashes [][]byte, at time.Time) error {
	if _, err := s.client.RecoveryCode.Delete().Where(entrecovery.UserID(user)).Exec(ctx); err != nil {
		return wrap("delete recovery codes", err)
	}
	rows := make([]*ent.RecoveryCodeCreate, len(hashes))
	for i, hash := range hashes {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows[i] = s.client.RecoveryCode.Create().SetID(id).SetUserID(user).SetCodeHash(hash).SetCreatedAt(at)
	}
	if len(rows) == 0 {
		return nil
	}
	return wrap("insert recovery codes", s.client.RecoveryCode.CreateBulk(rows...).Exec(ctx))
}

// useCode uses a recovery code up. Of any number of attempts exactly one reports true.
func (s *factors) useCode(ctx context.Context, user uuid.UUID, hash []byte, at time.Time) (bool, error) {
	n, err := s.client.RecoveryCode.Update().
		Where(entrecovery.UserID(user), entrecovery.CodeHash(hash), entrecovery.UsedAtIsNil()).SetUsedAt(at).Save(ctx)
	return n > 0, wrap("use a recovery code", err)
}

// codesLeft counts the recovery codes that a user can still use.
func (s *factors) codesLeft(ctx context.Context, user uuid.UUID) (int, error) {
	n, err := s.client.RecoveryCode.Query().Where(entrecovery.UserID(user), entrecovery.UsedAtIsNil()).Count(ctx)
	return n, wrap("count recovery codes", err)
}

// deleteAbandoned removes at most limit factors whose enrolment was begun before a time and never confirmed.
func (s *factors) deleteAbandoned(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.Factor.Query().Where(entfactor.ConfirmedAtIsNil(), entfactor.CreatedAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find abandoned factors", err)
	}
	n, err := s.client.Factor.Delete().Where(entfactor.IDIn(ids...), entfactor.ConfirmedAtIsNil()).Exec(ctx)
	return n, wrap("delete abandoned factors", err)
}

func toFactor(r *ent.Factor) Factor {
	return Factor{
		ID: r.ID, UserID: r.UserID, Kind: string(r.Kind), CreatedAt: r.CreatedAt.UTC(), ConfirmedAt: utc(r.ConfirmedAt),
		LastUsedAt: utc(r.LastUsedAt), sealed: r.Sealed, mark: r.Mark,
	}
}
