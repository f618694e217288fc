package identity

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmembership "github.com/yourorg/platform/modules/identity/internal/ent/membership"
	enttenant "github.com/yourorg/platform/modules/identity/internal/ent/tenant"
	"github.com/yourorg/platform/pkg/tenant"
)

// find is byID for a tenant that may not exist: ErrTenantNotFound.
func (s *tenants) find(ctx context.Context, id tenant.ID) (Tenant, error) {
	row, err := s.client.Tenant.Get(ctx, id)
	if ent.IsNotFound(err) {
		return Tenant{}, identityapi.ErrTenantNotFound.Wrap(err)
	}
	if err != nil {
		return Tenant{}, wrap("find tenant", err)
	}
	return toTenant(row), nil
}

// page lists at most limit tenants that are older than one, newest first: all of them for the zero user, otherwise
// those that user is a member of, without the deleted ones.
func (s *tenants) page(ctx context.Context, user uuid.UUID, before tenant.ID, limit int) ([]Tenant, error) {
	q := s.client.Tenant.Query().Order(enttenant.ByID(sql.OrderDesc())).Limit(limit)
	if before != uuid.Nil {
		q.Where(enttenant.IDLT(before))
	}
	if user != uuid.Nil {
		q.Where(enttenant.EraseAtIsNil(), func(t *sql.Selector) {
			m := sql.Table(entmembership.Table)
			t.Join(m).On(t.C(enttenant.FieldID), m.C(entmembership.FieldTenantID)).
				Where(sql.EQ(m.C(entmembership.FieldUserID), user))
		})
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, wrap("list tenants", err)
	}
	list := make([]Tenant, len(rows))
	for i, row := range rows {
		list[i] = toTenant(row)
	}
	return list, nil
}

// update replaces the version that was read; the transaction must hold the lock of forChange.
func (s *tenants) update(ctx context.Context, t Tenant) error {
	change := s.client.Tenant.UpdateOneID(t.ID).SetName(t.Name).SetSlug(t.Slug).SetVersion(t.Version).SetRequireMfa(t.RequireMFA).
		SetNillableSuspendedAt(t.SuspendedAt).SetNillableEraseAt(t.EraseAt)
	if t.SuspendedAt == nil {
		change.ClearSuspendedAt()
	}
	if t.EraseAt == nil {
		change.ClearEraseAt()
	}
	err := change.Exec(ctx)
	if ent.IsConstraintError(err) { // the slug is the one unique rule that a change can break
		return identityapi.ErrSlugTaken.Wrap(err)
	}
	return wrap("change tenant", err)
}

// due lists at most limit deleted tenants whose time has come.
func (s *tenants) due(ctx context.Context, at time.Time, limit int) ([]tenant.ID, error) {
	ids, err := s.client.Tenant.Query().Where(enttenant.EraseAtLTE(at)).Limit(limit).IDs(ctx)
	return ids, wrap("find tenants to erase", err)
}

// erase removes a tenant that is still to be erased, with all of identity's rows that belong to it. Of any number of
// attempts exactly one reports true.
func (s *tenants) erase(ctx context.Context, id tenant.ID, at time.Time) (bool, error) {
	n, err := s.client.Tenant.Delete().Where(enttenant.ID(id), enttenant.EraseAtLTE(at)).Exec(ctx)
	return n > 0, wrap("erase tenant", err)
}
