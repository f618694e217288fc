package identity

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entmembership "github.com/yourorg/platform/modules/identity/internal/ent/membership"
	entuser "github.com/yourorg/platform/modules/identity/internal/ent/user"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// principals knows who may act in a tenant without a session.
type principals struct{ client *ent.Client }

func newPrincipals(c *ent.Client) auth.Principals { return &principals{client: c} }

// TenantStanding implements auth.Principals.
func (p *principals) TenantStanding(ctx context.Context, id uuid.UUID) (auth.Standing, error) {
	row, err := p.client.Tenant.Get(tenant.System(ctx, "key check"), id)
	if ent.IsNotFound(err) {
		return auth.SessionEnded, nil
	}
	if err != nil {
		return auth.SessionEnded, wrap("check tenant", err)
	}
	return standing(row), nil
}

// MemberStanding implements auth.Principals. Whoever has asked to be deleted acts no more, unless they come back.
func (p *principals) MemberStanding(ctx context.Context, id, user uuid.UUID) (auth.Standing, uuid.UUID, error) {
	ctx = tenant.System(ctx, "key check")
	row, err := p.client.Membership.Query().
		Where(entmembership.TenantID(id), entmembership.UserID(user),
			entmembership.HasUserWith(entuser.DisabledAtIsNil(), entuser.DeletionDueAtIsNil())).
		WithTenant().Only(ctx)
	if ent.IsNotFound(err) {
		return auth.SessionEnded, uuid.Nil, nil
	}
	if err != nil {
		return auth.SessionEnded, uuid.Nil, wrap("check membership", err)
	}
	return standing(row.Edges.Tenant), row.ID, nil
}

func standing(t *ent.Tenant) auth.Standing {
	switch {
	case t.EraseAt != nil:
		return auth.SessionEnded
	case t.SuspendedAt != nil:
		return auth.SessionSuspended
	}
	return auth.SessionActive
}

// Departed implements auth.Principals.
func (p *principals) Departed(ctx context.Context, memberships []uuid.UUID) ([]uuid.UUID, error) {
	there, err := p.client.Membership.Query().Where(entmembership.IDIn(memberships...)).IDs(tenant.System(ctx, "key check"))
	if err != nil {
		return nil, wrap("check memberships", err)
	}
	return slices.DeleteFunc(slices.Clone(memberships), func(id uuid.UUID) bool { return slices.Contains(there, id) }), nil
}
