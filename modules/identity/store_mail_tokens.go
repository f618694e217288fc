package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmailtoken "github.com/yourorg/platform/modules/identity/internal/ent/mailtoken"
)

// mailTokens keeps the links that were mailed.
type mailTokens struct{ client *ent.Client }

func newMailTokens(c *ent.Client) *mailTokens { return &mailTokens{client: c} }

func (s *mailTokens) insert(ctx context.Context, t mailToken) error {
	return wrap("insert mail token", s.client.MailToken.Create().SetID(t.ID).SetUserID(t.UserID).
		SetPurpose(entmailtoken.Purpose(t.Purpose)).SetEmail(t.Email).SetTokenHash(t.Hash).
		SetCreatedAt(t.CreatedAt).SetExpiresAt(t.ExpiresAt).Exec(ctx))
}

// good finds a link that was neither used nor has expired.
func (s *mailTokens) good(ctx context.Context, purpose string, hash []byte, at time.Time) (t mailToken, ok bool, err error) {
	row, err := s.client.MailToken.Query().Where(
		entmailtoken.TokenHash(hash), entmailtoken.PurposeEQ(entmailtoken.Purpose(purpose)),
		entmailtoken.UsedAtIsNil(), entmailtoken.ExpiresAtGT(at),
	).Only(ctx)
	if ent.IsNotFound(err) {
		return t, false, nil
	}
	if err != nil {
		return t, false, wrap("find mail token", err)
	}
	return mailToken{
		ID: row.ID, UserID: row.UserID, Purpose: string(row.Purpose), Email: row.Email, Hash: row.TokenHash,
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}, true, nil
}

// claim uses a link up. Of any number of attempts exactly one reports true.
func (s *mailTokens) claim(ctx context.Context, id uuid.UUID, at time.Time) (bool, error) {
	n, err := s.client.MailToken.Update().
		Where(entmailtoken.ID(id), entmailtoken.UsedAtIsNil(), entmailtoken.ExpiresAtGT(at)).SetUsedAt(at).Save(ctx)
	return n > 0, wrap("claim mail token", err)
}

// withdraw uses up all links of a user for a purpose.
func (s *mailTokens) withdraw(ctx context.Context, user uuid.UUID, purpose string, at time.Time) error {
	return wrap("withdraw mail tokens", s.client.MailToken.Update().
		Where(entmailtoken.UserID(user), entmailtoken.PurposeEQ(entmailtoken.Purpose(purpose)), entmailtoken.UsedAtIsNil()).
		SetUsedAt(at).Exec(ctx))
}

// sentSince tells whether a link of this purpose was sent to the user after a time.
func (s *mailTokens) sentSince(ctx context.Context, user uuid.UUID, purpose string, after time.Time) (bool, error) {
	found, err := s.client.MailToken.Query().Where(
		entmailtoken.UserID(user), entmailtoken.PurposeEQ(entmailtoken.Purpose(purpose)), entmailtoken.CreatedAtGT(after),
	).Exist(ctx)
	return found, wrap("look for mail tokens", err)
}

// deleteExpired removes at most limit links that expired before a time.
func (s *mailTokens) deleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.MailToken.Query().Where(entmailtoken.ExpiresAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired mail tokens", err)
	}
	n, err := s.client.MailToken.Delete().Where(entmailtoken.IDIn(ids...)).Exec(ctx)
	return n, wrap("delete mail tokens", err)
}
