package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entchange "github.com/yourorg/platform/modules/identity/internal/ent/emailchange"
)

// emailChanges keeps the changes of address that wait for their confirmation.
type emailChanges struct{ client *ent.Client }

func newEmailChanges(c *ent.Client) *emailChanges { return &emailChanges{client: c} }

func (s *emailChanges) insert(ctx context.Context, c emailChange) error {
	return wrap("insert e-mail change", s.client.EmailChange.Create().SetID(c.ID).SetUserID(c.UserID).
		SetOldEmail(c.OldEmail).SetNewEmail(c.NewEmail).SetOldTokenHash(c.oldHash).SetNewTokenHash(c.newHash).
		SetCreatedAt(c.CreatedAt).SetExpiresAt(c.ExpiresAt).Exec(ctx))
}

// confirm notes that the link with this hash was followed: the first time only, and only while its change is open. It
// reports false otherwise. The row stays locked until the transaction ends, so that of two confirmations at once the
// later one sees both.
func (s *emailChanges) confirm(ctx context.Context, hash []byte, at time.Time) (c emailChange, ok bool, err error) {
	open := func() *ent.EmailChangeUpdate {
		return s.client.EmailChange.Update().Where(entchange.ClosedAtIsNil(), entchange.ExpiresAtGT(at))
	}
	n, err := open().Where(entchange.OldTokenHash(hash), entchange.OldConfirmedAtIsNil()).SetOldConfirmedAt(at).Save(ctx)
	if err == nil && n == 0 {
		n, err = open().Where(entchange.NewTokenHash(hash), entchange.NewConfirmedAtIsNil()).SetNewConfirmedAt(at).Save(ctx)
	}
	if err != nil || n == 0 {
		return c, false, wrap("confirm e-mail change", err)
	}
	row, err := s.client.EmailChange.Query().Where(entchange.Or(entchange.OldTokenHash(hash), entchange.NewTokenHash(hash))).Only(ctx)
	if err != nil {
		return c, false, wrap("read e-mail change", err)
	}
	return toEmailChange(row), true, nil
}

// close ends all open changes of a user: completed, or not to happen any more.
func (s *emailChanges) close(ctx context.Context, user uuid.UUID, at time.Time) error {
	return wrap("close e-mail changes", s.client.EmailChange.Update().
		Where(entchange.UserID(user), entchange.ClosedAtIsNil()).SetClosedAt(at).Exec(ctx))
}

// newest returns the latest change that the user asked for; ok is false when there is none.
func (s *emailChanges) newest(ctx context.Context, user uuid.UUID) (c emailChange, ok bool, err error) {
	row, err := s.client.EmailChange.Query().Where(entchange.UserID(user)).Order(ent.Desc(entchange.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, wrap("find e-mail change", err)
	}
	return toEmailChange(row), true, nil
}

// deleteExpired removes at most limit changes that expired before a time.
func (s *emailChanges) deleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.EmailChange.Query().Where(entchange.ExpiresAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired e-mail changes", err)
	}
	n, err := s.client.EmailChange.Delete().Where(entchange.IDIn(ids...)).Exec(ctx)
	return n, wrap("delete e-mail changes", err)
}

func toEmailChange(r *ent.EmailChange) emailChange {
	return emailChange{
		ID: r.ID, UserID: r.UserID, OldEmail: r.OldEmail, NewEmail: r.NewEmail,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		confirmedByOld: r.OldConfirmedAt != nil, confirmedByNew: r.NewConfirmedAt != nil, closed: r.ClosedAt != nil,
	}
}
