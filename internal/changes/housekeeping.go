package changes

import (
	"context"
	"fmt"
	"time"

	"github.com/yourorg/platform/internal/changes/ent/change"
	"github.com/yourorg/platform/pkg/module"
)

var _ module.Housekeeper = (*Feed)(nil)

// Name is the name of the housekeeping.
func (*Feed) Name() string { return "changes.log" }

// Tidy removes the changes that every replica has read, or that it will treat as missed.
func (f *Feed) Tidy(ctx context.Context) (int, error) {
	removed, err := f.db.Change.Delete().
		Where(change.CreatedAtLT(time.Now().UTC().Add(-f.cfg.Retention))).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("remove old changes: %w", err)
	}
	return removed, nil
}
