package identity

import (
	"context"
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

// setPassword replaces the hash that the user had when the caller looked. It reports false when it has changed since.
func (s *users) setPassword(ctx context.Context, user uuid.UUID, before, after string, at time.Time) (bool, error) {
	n, err := s.client.User.Update().Where(entuser.ID(user), entuser.PasswordHash(before)).
		SetPasswordHash(after).SetUpdatedAt(at).Save(ctx)
	return n > 0, wrap("set password", err)
}

// resetPassword replaces the hash, whatever it was.
func (s *users) resetPassword(ctx context.Context, user uuid.UUID, hash string, at time.Time) error {
	return wrap("reset password", s.client.User.Update().Where(entuser.ID(user)).SetPasswordHash(hash).SetUpdatedAt(at).Exec(ctx))
}

// verifyEmail notes that the user reads mail at this address. It reports false when the address is another by now.
func (s *users) verifyEmail(ctx context.Context, user uuid.UUID, email string, at time.Time) (bool, error) {
	n, err := s.client.User.Update().Where(entuser.ID(user), entuser.Email(email)).
		SetEmailVerifiedAt(at).SetUpdatedAt(at).Save(ctx)
	return n > 0, wrap("verify e-mail", err)
}

// changeEmail gives the user a verified new address. It reports false when the old one is another by now, and answers
// ErrEmailTaken when somebody else has the new one: the transaction cannot go on then.
func (s *users) changeEmail(ctx context.Context, user uuid.UUID, before, after string, at time.Time) (bool, error) {
	n, err := s.client.User.Update().Where(entuser.ID(user), entuser.Email(before)).
		SetEmail(after).SetEmailVerifiedAt(at).SetUpdatedAt(at).Save(ctx)
	if ent.IsConstraintError(err) {
		return false, identityapi.ErrEmailTaken.Wrap(err)
	}
	return n > 0, wrap("change e-mail", err)
}

// setDeletion says when the user is to be erased; nil takes it back. It reports false when nothing changed.
func (s *users) setDeletion(ctx context.Context, user uuid.UUID, due *time.Time, at time.Time) (bool, error) {
	update := s.client.User.Update().SetUpdatedAt(at)
	if due == nil {
		update.Where(entuser.ID(user), entuser.DeletionDueAtNotNil()).ClearDeletionDueAt()
	} else {
		update.Where(entuser.ID(user), entuser.DeletionDueAtIsNil()).SetDeletionDueAt(*due)
	}
	n, err := update.Save(ctx)
	return n > 0, wrap("set deletion", err)
}

// due lists at most limit users who are to be erased.
func (s *users) due(ctx context.Context, at time.Time, limit int) ([]uuid.UUID, error) {
	ids, err := s.client.User.Query().Where(entuser.DeletionDueAtLTE(at)).Limit(limit).IDs(ctx)
	return ids, wrap("find users to erase", err)
}

// erase removes a user who is still to be erased, with all rows that belong to them. Of any number of attempts exactly
// one reports true.
func (s *users) erase(ctx context.Context, user uuid.UUID, at time.Time) (bool, error) {
	n, err := s.client.User.Delete().Where(entuser.ID(user), entuser.DeletionDueAtLTE(at)).Exec(ctx)
	return n > 0, wrap("erase user", err)
}

// staying are those of users who are neither disabled nor about to be erased.
func (s *users) staying(ctx context.Context, users []uuid.UUID) (int, error) {
	n, err := s.client.User.Query().
		Where(entuser.IDIn(users...), entuser.DisabledAtIsNil(), entuser.DeletionDueAtIsNil()).Count(ctx)
	return n, wrap("count users", err)
}

// alive lists the sessions of a user that have not been revoked.
func (s *sessions) alive(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error) {
	ids, err := s.client.Session.Query().Where(entsession.UserID(user), entsession.RevokedAtIsNil()).IDs(ctx)
	return ids, wrap("list sessions", err)
}

// history lists all sessions of a user that are kept, newest first.
func (s *sessions) history(ctx context.Context, user uuid.UUID) ([]heldSession, error) {
	rows, err := s.client.Session.Query().Where(entsession.UserID(user)).Order(ent.Desc(entsession.FieldID)).All(ctx)
	if err != nil {
		return nil, wrap("list sessions", err)
	}
	list := make([]heldSession, len(rows))
	for i, row := range rows {
		list[i] = heldSession{Session: toSession(row), lastSeen: row.LastSeenAt.UTC(), revoked: utc(row.RevokedAt)}
	}
	return list, nil
}

// lockOf lists the tenants that a user is a member of, and lets nobody else change who owns them until the transaction
// ends. They are locked in the order of their ids, so that two transactions do not wait for each other.
func (s *tenants) lockOf(ctx context.Context, user uuid.UUID) ([]Tenant, error) {
	held, err := s.held(ctx, user)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(held))
	for i, m := range held {
		ids[i] = m.tenant.ID
	}
	rows, err := s.client.Tenant.Query().Where(enttenant.IDIn(ids...), enttenant.EraseAtIsNil()).
		Order(ent.Asc(enttenant.FieldID)).
		Where(func(s *sql.Selector) {
			if s.Dialect() == dialect.Postgres { // SQLite has one writer at a time
				s.ForUpdate()
			}
		}).All(ctx)
	list := make([]Tenant, len(rows))
	for i, row := range rows {
		list[i] = toTenant(row)
	}
	return list, wrap("lock tenants", err)
}

// others lists the members of t except one.
func (s *tenants) others(ctx context.Context, t tenant.ID, user uuid.UUID) (ids []uuid.UUID, err error) {
	rows, err := s.client.Membership.Query().Where(entmembership.UserIDNEQ(user)).All(tenant.NewContext(ctx, t))
	for _, row := range rows {
		ids = append(ids, row.UserID)
	}
	return ids, wrap("list members", err)
}

// abandon leaves tenants without members to be erased.
func (s *tenants) abandon(ctx context.Context, ids []tenant.ID, at time.Time) error {
	ctx = tenant.System(ctx, "tenants without members")
	return wrap("give up tenants", s.client.Tenant.Update().
		Where(enttenant.IDIn(ids...), enttenant.EraseAtIsNil(), enttenant.KindEQ(enttenant.KindCustomer), func(t *sql.Selector) {
			m := sql.Table(entmembership.Table)
			t.Where(sql.NotExists(sql.Select(m.C(entmembership.FieldID)).From(m).
				Where(sql.ColumnsEQ(m.C(entmembership.FieldTenantID), t.C(enttenant.FieldID)))))
		}).SetEraseAt(at).Exec(ctx))
}

// held lists the memberships of a user, oldest first.
func (s *tenants) held(ctx context.Context, user uuid.UUID) ([]heldMembership, error) {
	ctx = tenant.System(ctx, "the memberships of a user")
	rows, err := s.client.Membership.Query().Where(entmembership.UserID(user)).WithTenant().
		Order(ent.Asc(entmembership.FieldID)).All(ctx)
	if err != nil {
		return nil, wrap("list memberships", err)
	}
	list := make([]heldMembership, len(rows))
	for i, row := range rows {
		list[i] = heldMembership{tenant: toTenant(row.Edges.Tenant), since: row.CreatedAt.UTC()}
	}
	return list, nil
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}
