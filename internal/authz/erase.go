package authz

import (
	"context"
	"fmt"

	entrole "github.com/yourorg/platform/internal/authz/ent/role"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/tenant"
)

var _ tenant.Eraser = (*Authorizer)(nil)

// Erase implements tenant.Eraser: rules first, then the names of roles.
func (a *Authorizer) Erase(ctx context.Context, t tenant.ID) (removed int, err error) {
	err = a.run.InTx(ctx, func(ctx context.Context) error {
		rules, err := a.client.Rule.Query().Where(entrule.TenantID(t)).Limit(batchSize).IDs(ctx)
		if err != nil {
			return err
		}
		if len(rules) > 0 {
			if removed, err = a.client.Rule.Delete().Where(entrule.IDIn(rules...)).Exec(ctx); err != nil {
				return err
			}
			return a.changed(ctx, t)
		}
		roles, err := a.client.Role.Query().Where(entrole.TenantID(t)).Limit(batchSize).IDs(ctx)
		if err != nil || len(roles) == 0 {
			return err
		}
		removed, err = a.client.Role.Delete().Where(entrole.IDIn(roles...)).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase the rules of tenant %s: %w", t, err)
	}
	return removed, nil
}
