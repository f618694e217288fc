package identity

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmembership "github.com/yourorg/platform/modules/identity/internal/ent/membership"
	"github.com/yourorg/platform/modules/identity/internal/ent/refreshtoken"
	entsession "github.com/yourorg/platform/modules/identity/internal/ent/session"
	enttenant "github.com/yourorg/platform/modules/identity/internal/ent/tenant"
	entuser "github.com/yourorg/platform/modules/identity/internal/ent/user"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// sessions keeps sessions and their refresh tokens.
type sessions struct {
	client *ent.Client
	rules  auth.SessionRules
	seen   *seen
}

var _ auth.Sessions = (*sessions)(nil)

func newSessions(c *ent.Client, rules auth.SessionRules) *sessions {
	s := &sessions{client: c, rules: rules}
	s.seen = newSeen(s.touch)
	return s
}

// Standing implements auth.Sessions: one query by primary keys, and more of them when the answer is no.
func (s *sessions) Standing(ctx context.Context, id uuid.UUID) (auth.Standing, error) {
	ctx = tenant.System(ctx, "session check")
	alive := s.client.Session.Query().
		Where(entsession.ID(id), s.living(now()))
	active, err := alive.Clone().Where(ofMember(true)).Exist(ctx)
	if err != nil {
		return auth.SessionEnded, fmt.Errorf("check session: %w", err)
	}
	if active {
		return auth.SessionActive, nil
	}
	row, err := alive.Where(ofMember(false)).Only(ctx)
	if ent.IsNotFound(err) {
		return auth.SessionEnded, nil
	}
	if err != nil {
		return auth.SessionEnded, fmt.Errorf("check session: %w", err)
	}
	t, err := s.client.Tenant.Get(ctx, row.TenantID)
	if err != nil {
		return auth.SessionEnded, fmt.Errorf("check session: %w", err)
	}
	if t.SuspendedAt != nil {
		return auth.SessionSuspended, nil
	}
	return auth.SessionNeedsFactor, nil
}

// ofMember keeps sessions whose user is enabled and is a member of their tenant, which is not deleted; when asked for,
// only those that can do all that the user may: the tenant is not suspended, and requires no factor that they lack.
func ofMember(fully bool) func(*sql.Selector) {
	return func(s *sql.Selector) {
		u, t, m := sql.Table(entuser.Table), sql.Table(enttenant.Table), sql.Table(entmembership.Table)
		s.Join(u).On(s.C(entsession.FieldUserID), u.C(entuser.FieldID))
		s.Join(t).On(s.C(entsession.FieldTenantID), t.C(enttenant.FieldID))
		s.Join(m).OnP(sql.And(
			sql.ColumnsEQ(s.C(entsession.FieldTenantID), m.C(entmembership.FieldTenantID)),
			sql.ColumnsEQ(s.C(entsession.FieldUserID), m.C(entmembership.FieldUserID)),
		))
		s.Where(sql.And(sql.IsNull(u.C(entuser.FieldDisabledAt)), sql.IsNull(t.C(enttenant.FieldEraseAt))))
		if fully {
			s.Where(sql.And(
				sql.IsNull(t.C(enttenant.FieldSuspendedAt)),
				sql.Or(sql.EQ(t.C(enttenant.FieldRequireMfa), false), sql.EQ(s.C(entsession.FieldSecondFactor), true)),
			))
		}
	}
}

func (s *sessions) insert(ctx context.Context, n Session) error {
	err := s.client.Session.Create().SetID(n.ID).SetUserID(n.UserID).SetTenantID(n.TenantID).
		SetUserAgent(n.UserAgent).SetIP(n.IP).
		SetCreatedAt(n.CreatedAt).SetLastSeenAt(n.begun()).SetExpiresAt(n.ExpiresAt).
		SetAuthenticatedAt(n.Proof.at).SetMethods(n.Proof.methods).SetSecondFactor(n.Proof.several()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// extend moves the expiry of a session that has not ended. It reports false when it has.
func (s *sessions) extend(ctx context.Context, id uuid.UUID, at, expires time.Time) (Session, bool, error) {
	n, err := s.client.Session.Update().
		Where(entsession.ID(id), s.living(at)).
		SetLastSeenAt(at).SetExpiresAt(expires).
		Save(ctx)
	if err != nil || n == 0 {
		return Session{}, false, wrap("extend session", err)
	}
	row, err := s.client.Session.Get(ctx, id)
	if err != nil {
		return Session{}, false, wrap("read session", err)
	}
	return toSession(row), true, nil
}

// revoke ends a session. It reports false when it had been revoked before.
func (s *sessions) revoke(ctx context.Context, id uuid.UUID, at time.Time) (bool, error) {
	n, err := s.client.Session.Update().Where(entsession.ID(id), entsession.RevokedAtIsNil()).SetRevokedAt(at).Save(ctx)
	return n > 0, wrap("revoke session", err)
}

func (s *sessions) byID(ctx context.Context, id uuid.UUID) (Session, error) {
	row, err := s.client.Session.Get(ctx, id)
	if err != nil {
		return Session{}, wrap("find session", err)
	}
	return toSession(row), nil
}

func (s *sessions) insertToken(ctx context.Context, t refreshToken) error {
	return wrap("insert refresh token", s.client.RefreshToken.Create().SetID(t.ID).SetSessionID(t.SessionID).
		SetTokenHash(t.Hash).SetCreatedAt(t.CreatedAt).SetExpiresAt(t.ExpiresAt).
		Exec(ctx))
}

func (s *sessions) tokenByHash(ctx context.Context, hash []byte) (refreshToken, error) {
	row, err := s.client.RefreshToken.Query().Where(refreshtoken.TokenHash(hash)).Only(ctx)
	if ent.IsNotFound(err) {
		return refreshToken{}, identityapi.ErrRefreshInvalid.Wrap(err)
	}
	if err != nil {
		return refreshToken{}, wrap("find refresh token", err)
	}
	return toToken(row), nil
}

// claim uses a token up. Of any number of attempts exactly one reports true.
func (s *sessions) claim(ctx context.Context, id uuid.UUID, at time.Time) (bool, error) {
	n, err := s.client.RefreshToken.Update().Where(refreshtoken.ID(id), refreshtoken.UsedAtIsNil()).SetUsedAt(at).Save(ctx)
	return n > 0, wrap("claim refresh token", err)
}

func toSession(r *ent.Session) Session {
	proof := authentication{at: r.CreatedAt.UTC(), methods: r.Methods}
	if r.AuthenticatedAt != nil {
		proof.at = r.AuthenticatedAt.UTC()
	}
	return Session{
		ID: r.ID, UserID: r.UserID, TenantID: r.TenantID, UserAgent: r.UserAgent, IP: r.IP,
		CreatedAt: r.CreatedAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), Proof: proof,
	}
}

func toToken(r *ent.RefreshToken) refreshToken {
	return refreshToken{
		ID: r.ID, SessionID: r.SessionID, Hash: r.TokenHash, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		UsedAt: utc(r.UsedAt),
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
