package identity

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entinvitation "github.com/yourorg/platform/modules/identity/internal/ent/invitation"
)

// invitations keeps who may become a member of the tenant in the context; the schema's mixin keeps it inside.
type invitations struct{ client *ent.Client }

func newInvitations(c *ent.Client) *invitations { return &invitations{client: c} }

// insert reports false when the address is invited already.
func (s *invitations) insert(ctx context.Context, i Invitation) (bool, error) {
	err := s.client.Invitation.Create().SetID(i.ID).SetEmail(i.Email).SetRoles(i.Roles).SetInvitedBy(i.InvitedBy).
		SetTokenHash(i.Hash).SetCreatedAt(i.CreatedAt).SetExpiresAt(i.ExpiresAt).
		OnConflict(sql.ConflictColumns(entinvitation.FieldTenantID, entinvitation.FieldEmail), sql.DoNothing()).
		Exec(ctx)
	if errors.Is(err, stdsql.ErrNoRows) { // nothing was inserted, so RETURNING has nothing to return
		return false, nil
	}
	return err == nil, wrap("insert invitation", err)
}

// list returns at most limit invitations that are older than one, newest first. The expired ones are among them.
func (s *invitations) list(ctx context.Context, before uuid.UUID, limit int) ([]Invitation, error) {
	q := s.client.Invitation.Query().Order(entinvitation.ByID(sql.OrderDesc())).Limit(limit)
	if before != uuid.Nil {
		q.Where(entinvitation.IDLT(before))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, wrap("list invitations", err)
	}
	list := make([]Invitation, len(rows))
	for i, row := range rows {
		list[i] = toInvitation(row)
	}
	return list, nil
}

func (s *invitations) byID(ctx context.Context, id uuid.UUID) (Invitation, error) {
	row, err := s.client.Invitation.Get(ctx, id)
	if ent.IsNotFound(err) {
		return Invitation{}, identityapi.ErrInvitationNotFound.Wrap(err)
	}
	if err != nil {
		return Invitation{}, wrap("find invitation", err)
	}
	return toInvitation(row), nil
}

// byToken finds the invitation of any tenant that is open at a time. Everything else is ErrInvitationClosed.
func (s *invitations) byToken(ctx context.Context, hash []byte, at time.Time) (Invitation, error) {
	row, err := s.client.Invitation.Query().Where(entinvitation.TokenHash(hash), entinvitation.ExpiresAtGT(at)).Only(ctx)
	if ent.IsNotFound(err) {
		return Invitation{}, identityapi.ErrInvitationClosed.Wrap(err)
	}
	if err != nil {
		return Invitation{}, wrap("find invitation", err)
	}
	return toInvitation(row), nil
}

// claim uses an invitation up. Of any number of attempts exactly one reports true; a token that was replaced since, or
// has expired, is none.
func (s *invitations) claim(ctx context.Context, i Invitation, at time.Time) (bool, error) {
	n, err := s.client.Invitation.Delete().
		Where(entinvitation.ID(i.ID), entinvitation.TokenHash(i.Hash), entinvitation.ExpiresAtGT(at)).
		Exec(ctx)
	return n > 0, wrap("claim invitation", err)
}

// renew replaces the token of an invitation, expired or not. The one before is good no longer.
func (s *invitations) renew(ctx context.Context, i Invitation) error {
	n, err := s.client.Invitation.Update().Where(entinvitation.ID(i.ID)).
		SetTokenHash(i.Hash).SetExpiresAt(i.ExpiresAt).SetInvitedBy(i.InvitedBy).Save(ctx)
	if err == nil && n == 0 {
		return identityapi.ErrInvitationNotFound
	}
	return wrap("renew invitation", err)
}

func (s *invitations) delete(ctx context.Context, id uuid.UUID) error {
	n, err := s.client.Invitation.Delete().Where(entinvitation.ID(id)).Exec(ctx)
	if err == nil && n == 0 {
		return identityapi.ErrInvitationNotFound
	}
	return wrap("delete invitation", err)
}

// deleteExpiredOf makes room for a new invitation of an address.
func (s *invitations) deleteExpiredOf(ctx context.Context, email string, at time.Time) error {
	_, err := s.client.Invitation.Delete().Where(entinvitation.Email(email), entinvitation.ExpiresAtLTE(at)).Exec(ctx)
	return wrap("delete expired invitation", err)
}

// withdrawFrom deletes the invitations that somebody has made.
func (s *invitations) withdrawFrom(ctx context.Context, user uuid.UUID) error {
	_, err := s.client.Invitation.Delete().Where(entinvitation.InvitedBy(user)).Exec(ctx)
	return wrap("withdraw invitations", err)
}

// deleteExpired removes at most limit invitations of any tenant that expired before a time.
func (s *invitations) deleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.Invitation.Query().Where(entinvitation.ExpiresAtLT(before)).Limit(limit).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, wrap("find expired invitations", err)
	}
	n, err := s.client.Invitation.Delete().Where(entinvitation.IDIn(ids...), entinvitation.ExpiresAtLT(before)).Exec(ctx)
	return n, wrap("delete expired invitations", err)
}

func toInvitation(r *ent.Invitation) Invitation {
	return Invitation{
		ID: r.ID, TenantID: r.TenantID, Email: r.Email, Roles: r.Roles, InvitedBy: r.InvitedBy, Hash: r.TokenHash,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}
}
