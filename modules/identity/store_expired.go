package identity

import (
	"context"
	"time"

	"github.com/yourorg/platform/modules/identity/internal/ent/predicate"
	"github.com/yourorg/platform/modules/identity/internal/ent/refreshtoken"
	entsession "github.com/yourorg/platform/modules/identity/internal/ent/session"
)

// deleteEnded removes at most limit refresh tokens or sessions that expired or were revoked before a time. Tokens go
// first: their sessions would otherwise take any number of them along in one statement. Nothing that has ended comes
// back, so reading the ids and then deleting needs no transaction.
func (s *sessions) deleteEnded(ctx context.Context, before time.Time, limit int) (int, error) {
	for _, which := range []predicate.RefreshToken{
		refreshtoken.ExpiresAtLT(before),
		refreshtoken.HasSessionWith(entsession.RevokedAtLT(before)),
	} {
		ids, err := s.client.RefreshToken.Query().Where(which).Limit(limit).IDs(ctx)
		if err != nil {
			return 0, wrap("find ended refresh tokens", err)
		}
		if len(ids) > 0 {
			n, err := s.client.RefreshToken.Delete().Where(refreshtoken.IDIn(ids...)).Exec(ctx)
			return n, wrap("delete refresh tokens", err)
		}
	}
	for _, which := range []predicate.Session{entsession.ExpiresAtLT(before), entsession.RevokedAtLT(before)} {
		ids, err := s.client.Session.Query().Where(which).Limit(limit).IDs(ctx)
		if err != nil {
			return 0, wrap("find ended sessions", err)
		}
		if len(ids) > 0 {
			n, err := s.client.Session.Delete().Where(entsession.IDIn(ids...)).Exec(ctx)
			return n, wrap("delete sessions", err)
		}
	}
	return 0, nil
}
