package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	"github.com/yourorg/platform/modules/identity/internal/ent/predicate"
	entsession "github.com/yourorg/platform/modules/identity/internal/ent/session"
)

// living keeps the sessions that have not ended, in any of the ways they do. When a session was last seen is known to
// twice seenEvery: once for when it is asked, once for when it is written.
func (s *sessions) living(at time.Time) predicate.Session {
	return entsession.And(
		entsession.RevokedAtIsNil(), entsession.ExpiresAtGT(at),
		entsession.CreatedAtGT(at.Add(-s.rules.SessionAbsolute)),
		entsession.LastSeenAtGT(at.Add(-s.rules.SessionIdle-2*seenEvery)),
	)
}

// ofUser lists at most limit living sessions of a user, newest first, from the one before a session on.
func (s *sessions) ofUser(ctx context.Context, user, before uuid.UUID, limit int) ([]Session, error) {
	query := s.client.Session.Query().Where(entsession.UserID(user), s.living(now()))
	if before != uuid.Nil {
		query.Where(entsession.IDLT(before))
	}
	rows, err := query.Order(ent.Desc(entsession.FieldID)).Limit(limit).All(ctx)
	if err != nil {
		return nil, wrap("list sessions", err)
	}
	list := make([]Session, len(rows))
	for i, row := range rows {
		list[i] = toSession(row)
	}
	return list, nil
}

// owned returns a living session of a user. One of somebody else is not found.
func (s *sessions) owned(ctx context.Context, user, id uuid.UUID) (Session, error) {
	row, err := s.client.Session.Query().Where(entsession.ID(id), entsession.UserID(user), s.living(now())).Only(ctx)
	if ent.IsNotFound(err) {
		return Session{}, identityapi.ErrSessionNotFound.Wrap(err)
	}
	if err != nil {
		return Session{}, wrap("find session", err)
	}
	return toSession(row), nil
}

// current returns a session that is living.
func (s *sessions) current(ctx context.Context, id uuid.UUID, at time.Time) (Session, bool, error) {
	row, err := s.client.Session.Query().Where(entsession.ID(id), s.living(at)).Only(ctx)
	if ent.IsNotFound(err) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, wrap("find session", err)
	}
	return toSession(row), true, nil
}

// knownFrom tells whether a user has signed in from an address before, as far as sessions are kept.
func (s *sessions) knownFrom(ctx context.Context, user uuid.UUID, ip string) (bool, error) {
	known, err := s.client.Session.Query().Where(entsession.UserID(user), entsession.IP(ip)).Exist(ctx)
	return known, wrap("look for sessions from the address", err)
}

// Seen implements auth.Sessions.
func (s *sessions) Seen(session uuid.UUID) { s.seen.add(session) }

// touch notes that sessions are in use, each at most once in seenEvery, whichever replicas see them.
func (s *sessions) touch(ctx context.Context, ids []uuid.UUID, at time.Time) error {
	return wrap("note sessions", s.client.Session.Update().
		Where(entsession.IDIn(ids...), entsession.LastSeenAtLTE(at.Add(-seenEvery))).SetLastSeenAt(at).Exec(ctx))
}

// token reads a refresh token again, as the transaction sees it.
func (s *sessions) token(ctx context.Context, id uuid.UUID) (refreshToken, error) {
	row, err := s.client.RefreshToken.Get(ctx, id)
	if err != nil {
		return refreshToken{}, wrap("find refresh token", err)
	}
	return toToken(row), nil
}

// setProof keeps what a session has proved.
func (s *sessions) setProof(ctx context.Context, id uuid.UUID, proof authentication) error {
	return wrap("change session", s.client.Session.UpdateOneID(id).
		SetAuthenticatedAt(proof.at).SetMethods(proof.methods).SetSecondFactor(proof.several()).Exec(ctx))
}
