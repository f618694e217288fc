package terms

import (
	"context"
	"fmt"

	"github.com/yourorg/platform/internal/terms/ent/tenantlimits"
	"github.com/yourorg/platform/internal/terms/ent/tenantpolicies"
	"github.com/yourorg/platform/pkg/tenant"
)

// Erase implements tenant.Eraser. Nobody acts in the tenant any more, so that nobody has to be told.
func (b *Book) Erase(ctx context.Context, id tenant.ID) (int, error) {
	limits, err := b.client.TenantLimits.Delete().Where(tenantlimits.ID(id)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("erase the limits of tenant %s: %w", id, err)
	}
	policies, err := b.client.TenantPolicies.Delete().Where(tenantpolicies.ID(id)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("erase the policies of tenant %s: %w", id, err)
	}
	return limits + policies, nil
}
