package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestNoStatementReachesMembershipsWithoutATenant(t *testing.T) {
	t.Parallel()
	_, d := testapp.Migrator(t, modules.All(), testapp.FreshDatabase(t, modules.All()))
	c := ent.NewClient(ent.Driver(d))
	for name, run := range map[string]func(ctx context.Context) error{
		"query": func(ctx context.Context) error { _, err := c.Membership.Query().All(ctx); return err },
		"count": func(ctx context.Context) error { _, err := c.Membership.Query().Count(ctx); return err },
		"get":   func(ctx context.Context) error { _, err := c.Membership.Get(ctx, uuid.New()); return err },
		"user of a query": func(ctx context.Context) error {
			_, err := c.Membership.Query().QueryUser().All(ctx)
			return err
		},
		"update":     func(ctx context.Context) error { return c.Membership.Update().Exec(ctx) },
		"update one": func(ctx context.Context) error { return c.Membership.UpdateOneID(uuid.New()).Exec(ctx) },
		"delete":     func(ctx context.Context) error { _, err := c.Membership.Delete().Exec(ctx); return err },
		"delete one": func(ctx context.Context) error { return c.Membership.DeleteOneID(uuid.New()).Exec(ctx) },
		"create": func(ctx context.Context) error {
			return c.Membership.Create().SetID(uuid.New()).SetUserID(uuid.New()).SetTenantID(uuid.New()).SetCreatedAt(time.Now()).Exec(ctx)
		},
	} {
		require.ErrorIs(t, run(t.Context()), tenant.ErrMissing, name)
	}
	_, err := c.Membership.Query().All(tenant.System(t.Context(), "test"))
	require.NoError(t, err)
}
