package identity

import (
	"context"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmembership "github.com/yourorg/platform/modules/identity/internal/ent/membership"
	entsession "github.com/yourorg/platform/modules/identity/internal/ent/session"
	enttenant "github.com/yourorg/platform/modules/identity/internal/ent/tenant"
	entuser "github.com/yourorg/platform/modules/identity/internal/ent/user"
	"github.com/yourorg/platform/pkg/tenant"
)

// members keeps who belongs to the tenant in the context; the schema's mixin keeps it inside.
type members struct{ client *ent.Client }

func newMembers(c *ent.Client) *members { return &members{client: c} }

// list returns at most limit members who joined after a membership, in the order of joining. They have no roles yet.
func (s *members) list(ctx context.Context, after uuid.UUID, limit int) ([]Member, error) {
	rows, err := s.client.Membership.Query().Where(entmembership.IDGT(after)).WithUser().
		Order(entmembership.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, wrap("list members", err)
	}
	list := make([]Member, len(rows))
	for i, row := range rows {
		list[i] = toMember(row)
	}
	return list, nil
}

// byUser answers ErrMemberNotFound for everybody who is not in this tenant.
func (s *members) byUser(ctx context.Context, user uuid.UUID) (Member, error) {
	row, err := s.client.Membership.Query().Where(entmembership.UserID(user)).WithUser().Only(ctx)
	if ent.IsNotFound(err) {
		return Member{}, identityapi.ErrMemberNotFound.Wrap(err)
	}
	if err != nil {
		return Member{}, wrap("find member", err)
	}
	return toMember(row), nil
}

// hasEmail tells whether a member has the address, which must be normalized.
func (s *members) hasEmail(ctx context.Context, email string) (bool, error) {
	found, err := s.client.Membership.Query().Where(entmembership.HasUserWith(entuser.Email(email))).Exist(ctx)
	return found, wrap("look for a member", err)
}

// among returns those of users who are members.
func (s *members) among(ctx context.Context, users []uuid.UUID) ([]uuid.UUID, error) {
	var found []uuid.UUID
	for batch := range slices.Chunk(users, sweepBatch) {
		rows, err := s.client.Membership.Query().Where(entmembership.UserIDIn(batch...)).All(ctx)
		if err != nil {
			return nil, wrap("find members", err)
		}
		for _, row := range rows {
			found = append(found, row.UserID)
		}
	}
	return found, nil
}

// remove ends a membership. Of any number of attempts exactly one reports true.
func (s *members) remove(ctx context.Context, user uuid.UUID) (bool, error) {
	n, err := s.client.Membership.Delete().Where(entmembership.UserID(user)).Exec(ctx)
	return n > 0, wrap("remove member", err)
}

// revokeMember ends the sessions of a user in one tenant. Somebody must have their standing looked at again.
func (s *sessions) revokeMember(ctx context.Context, t tenant.ID, user uuid.UUID, at time.Time) error {
	err := s.client.Session.Update().
		Where(entsession.TenantID(t), entsession.UserID(user), entsession.RevokedAtIsNil()).
		SetRevokedAt(at).Exec(ctx)
	return wrap("revoke sessions", err)
}

// locked locks a tenant's row on Postgres until the transaction ends, against other changes but not against rows that
// refer to it: people go on signing in. SQLite has one writer at a time.
func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate(sql.WithLockClause("FOR NO KEY UPDATE"))
	}
}

// forChange is byID for a transaction that goes on to change the tenant, or who belongs to it: other changes wait until
// it ends, so that what was read still holds. A tenant that is deleted is found too.
func (s *tenants) forChange(ctx context.Context, id tenant.ID) (Tenant, error) {
	row, err := s.client.Tenant.Query().Where(enttenant.ID(id), locked).Only(ctx)
	if ent.IsNotFound(err) {
		return Tenant{}, identityapi.ErrTenantNotFound.Wrap(err)
	}
	if err != nil {
		return Tenant{}, wrap("lock tenant", err)
	}
	return toTenant(row), nil
}

func toMember(r *ent.Membership) Member {
	m := Member{ID: r.ID, UserID: r.UserID, JoinedAt: r.CreatedAt.UTC()}
	if u := r.Edges.User; u != nil {
		m.Name, m.Email = u.Name, u.Email
	}
	return m
}
