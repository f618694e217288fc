package identity

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmembership "github.com/yourorg/platform/modules/identity/internal/ent/membership"
	enttenant "github.com/yourorg/platform/modules/identity/internal/ent/tenant"
	"github.com/yourorg/platform/pkg/tenant"
)

// tenants keeps tenants and who is a member of them.
type tenants struct{ client *ent.Client }

var _ tenant.Directory = (*tenants)(nil)

func newTenants(c *ent.Client) *tenants { return &tenants{client: c} }

// insert reports false when another tenant has the slug. A unique violation would abort a Postgres transaction, so
// that no other slug could be tried; ON CONFLICT DO NOTHING does not, and touches no other row.
func (s *tenants) insert(ctx context.Context, t Tenant) (bool, error) {
	err := s.client.Tenant.Create().SetID(t.ID).SetName(t.Name).SetSlug(t.Slug).SetKind(enttenant.Kind(t.Kind)).
		SetCreatedAt(t.CreatedAt).
		OnConflict(sql.ConflictColumns(enttenant.FieldSlug), sql.DoNothing()).
		Exec(ctx)
	if errors.Is(err, stdsql.ErrNoRows) { // nothing was inserted, so RETURNING has nothing to return
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("insert tenant: %w", err)
	}
	return true, nil
}

// join makes user a member of t.
func (s *tenants) join(ctx context.Context, t tenant.ID, user uuid.UUID) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	err = s.client.Membership.Create().SetID(id).SetUserID(user).SetCreatedAt(now()).Exec(tenant.NewContext(ctx, t))
	if err != nil {
		return fmt.Errorf("insert membership: %w", err)
	}
	return nil
}

func (s *tenants) byID(ctx context.Context, id tenant.ID) (Tenant, error) {
	row, err := s.client.Tenant.Get(ctx, id)
	if err != nil {
		return Tenant{}, fmt.Errorf("find tenant: %w", err)
	}
	return toTenant(row), nil
}

// of lists the tenants that user is a member of, oldest membership first, without those that are deleted. It is one query for every user, also for
// one who does not exist, so that a sign-in takes the same work for each.
func (s *tenants) of(ctx context.Context, user uuid.UUID) ([]Tenant, error) {
	rows, err := s.client.Tenant.Query().Where(func(t *sql.Selector) {
		m := sql.Table(entmembership.Table)
		t.Join(m).On(t.C(enttenant.FieldID), m.C(entmembership.FieldTenantID)).
			Where(sql.And(sql.EQ(m.C(entmembership.FieldUserID), user), sql.IsNull(t.C(enttenant.FieldEraseAt)))).
			OrderBy(m.C(entmembership.FieldCreatedAt), m.C(entmembership.FieldID))
	}).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tenants of user: %w", err)
	}
	list := make([]Tenant, len(rows))
	for i, row := range rows {
		list[i] = toTenant(row)
	}
	return list, nil
}

// BySlug implements tenant.Directory.
func (s *tenants) BySlug(ctx context.Context, slug string) (tenant.ID, error) {
	id, err := s.client.Tenant.Query().Where(enttenant.Slug(slug), enttenant.EraseAtIsNil()).OnlyID(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return uuid.Nil, fmt.Errorf("find tenant by slug: %w", err)
	}
	return id, nil
}

// hasOperator tells whether the tenant that runs the platform exists.
func (s *tenants) hasOperator(ctx context.Context) (bool, error) {
	found, err := s.client.Tenant.Query().Where(enttenant.KindEQ(enttenant.KindOperator)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for the operator: %w", err)
	}
	return found, nil
}

// Operates implements tenant.Operators.
func (s *tenants) Operates(ctx context.Context, id tenant.ID) (bool, error) {
	found, err := s.client.Tenant.Query().Where(enttenant.ID(id), enttenant.KindEQ(enttenant.KindOperator)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for the operator: %w", err)
	}
	return found, nil
}

func toTenant(r *ent.Tenant) Tenant {
	return Tenant{
		ID: r.ID, Name: r.Name, Slug: r.Slug, Kind: string(r.Kind), Version: r.Version, RequireMFA: r.RequireMfa,
		SuspendedAt: r.SuspendedAt, EraseAt: r.EraseAt,
		CreatedAt: r.CreatedAt.UTC(),
	}
}
