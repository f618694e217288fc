package settings

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	ententry "github.com/yourorg/platform/internal/settings/ent/entry"
	entrevision "github.com/yourorg/platform/internal/settings/ent/revision"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// eraseBatch keeps a statement below the limit on parameters of either engine.
const eraseBatch = 500

// Erase implements tenant.Eraser. Nobody acts in the tenant any more, so that nobody has to be told.
func (r *Registry) Erase(ctx context.Context, id tenant.ID) (int, error) {
	entries, err := r.client.Entry.Query().Limit(eraseBatch).IDs(ctx)
	if err != nil {
		return 0, fmt.Errorf("erase the settings of tenant %s: %w", id, err)
	}
	if len(entries) > 0 {
		return r.client.Entry.Delete().Where(ententry.IDIn(entries...)).Exec(ctx)
	}
	revisions, err := r.client.Revision.Query().Limit(eraseBatch).IDs(ctx)
	if err != nil || len(revisions) == 0 {
		return 0, err
	}
	return r.client.Revision.Delete().Where(entrevision.IDIn(revisions...)).Exec(ctx)
}

// EraseMember implements tenant.MemberEraser. What a user had chosen is not copied into the audit trail on its way out.
func (r *Registry) EraseMember(ctx context.Context, id tenant.ID, user uuid.UUID) error {
	if user == uuid.Nil { // the tenant itself
		return nil
	}
	ctx = audit.Erasing(ctx)
	revisions, err := r.client.Revision.Delete().Where(entrevision.UserID(user)).Exec(ctx) // first, as changes lock it first
	if err != nil {
		return fmt.Errorf("erase the settings of a user: %w", err)
	}
	if _, err := r.client.Entry.Delete().Where(ententry.UserID(user)).Exec(ctx); err != nil {
		return fmt.Errorf("erase the settings of a user: %w", err)
	}
	if revisions == 0 {
		return nil
	}
	return r.announce(ctx, scopeID{tenant: id, user: user})
}
