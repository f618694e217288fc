package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entsignin "github.com/yourorg/platform/modules/identity/internal/ent/signin"
)

// signIns keeps the sign-ins that wait for a second factor.
type signIns struct{ client *ent.Client }

func newSignIns(c *ent.Client) *signIns { return &signIns{client: c} }

func (s *signIns) insert(ctx context.Context, n signIn) error {
	return wrap("insert sign-in", s.client.SignIn.Create().SetID(n.ID).SetUserID(n.UserID).SetTenantID(n.TenantID).
		SetTokenHash(n.hash).SetPasswordDigest(n.digest).SetStrongerHash(n.stronger).SetMethods(n.methods).
		SetCreatedAt(n.CreatedAt).SetExpiresAt(n.ExpiresAt).Exec(ctx))
}

// good finds a sign-in that can still be finished.
func (s *signIns) good(ctx context.Context, hash []byte, attempts int, at time.Time) (signIn, bool, error) {
	row, err := s.client.SignIn.Query().Where(
		entsignin.TokenHash(hash), entsignin.UsedAtIsNil(), entsignin.ExpiresAtGT(at), entsignin.AttemptsLT(attempts),
	).Only(ctx)
	if ent.IsNotFound(err) {
		return signIn{}, false, nil
	}
	if err != nil {
		return signIn{}, false, wrap("find sign-in", err)
	}
	return signIn{
		ID: row.ID, UserID: row.UserID, TenantID: row.TenantID, hash: row.TokenHash, digest: row.PasswordDigest,
		stronger: row.StrongerHash, methods: row.Methods, CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}, true, nil
}

// attempt counts one more. However many come at once, no more than that many report true.
func (s *signIns) attempt(ctx context.Context, id uuid.UUID, attempts int, at time.Time) (bool, error) {
	n, err := s.client.SignIn.Update().Where(
		entsignin.ID(id), entsignin.UsedAtIsNil(), entsignin.ExpiresAtGT(at), entsignin.AttemptsLT(attempts),
	).AddAttempts(1).Save(ctx)
	return n > 0, wrap("count an attempt", err)
}

// exhausted tells whether all attempts of a sign-in have been made.
func (s *signIns) exhausted(ctx context.Context, id uuid.UUID, attempts int) (bool, error) {
	yes, err := s.client.SignIn.Query().Where(entsignin.ID(id), entsignin.AttemptsGTE(attempts)).Exist(ctx)
	return yes, wrap("find sign-in", err)
}

// claim uses a sign-in up. Of any number of attempts exactly one reports true.
func (s *signIns) claim(ctx context.Context, id uuid.UUID, at time.Time) (bool, error) {
	n, err := s.client.SignIn.Update().Where(entsignin.ID(id), entsignin.UsedAtIsNil()).SetUsedAt(at).Save(ctx)
	return n > 0, wrap("claim sign-in", err)
}

// deleteExpired removes at most limit sign-ins that expired before a time.
func (s *signIns) deleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.SignIn.Query().Where(entsignin.ExpiresAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired sign-ins", err)
	}
	n, err := s.client.SignIn.Delete().Where(entsignin.IDIn(ids...)).Exec(ctx)
	return n, wrap("delete sign-ins", err)
}
