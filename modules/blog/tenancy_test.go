package blog_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/blog/internal/ent"
	entpost "github.com/yourorg/platform/modules/blog/internal/ent/post"
	"github.com/yourorg/platform/pkg/tenant"
)

func entClient(t *testing.T) *ent.Client {
	t.Helper()
	_, d := testapp.Migrator(t, modules.All(), testapp.FreshDatabase(t, modules.All()))
	return ent.NewClient(ent.Driver(d))
}

func newRow(c *ent.Client, slug string) *ent.PostCreate {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return c.Post.Create().SetID(uuid.Must(uuid.NewV7())).SetTitle("T").SetSlug(slug).SetContent("").SetStatus(entpost.StatusDraft).
		SetAuthorID(uuid.New()).SetVersion(1).SetCreatedAt(now).SetUpdatedAt(now)
}

// operations is every way to reach the table through ent; each reports how many rows it saw or changed.
var operations = map[string]func(ctx context.Context, c *ent.Client, id uuid.UUID) (int, error){
	"query": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) {
		rows, err := c.Post.Query().All(ctx)
		return len(rows), err
	},
	"count": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) { return c.Post.Query().Count(ctx) },
	"ids": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) {
		ids, err := c.Post.Query().IDs(ctx)
		return len(ids), err
	},
	"exist": func(ctx context.Context, c *ent.Client, id uuid.UUID) (int, error) {
		found, err := c.Post.Query().Where(entpost.ID(id)).Exist(ctx)
		return map[bool]int{true: 1}[found], err
	},
	"get": func(ctx context.Context, c *ent.Client, id uuid.UUID) (int, error) {
		_, err := c.Post.Get(ctx, id)
		return one(err)
	},
	"group by": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) {
		slugs, err := c.Post.Query().GroupBy(entpost.FieldSlug).Strings(ctx)
		return len(slugs), err
	},
	"select": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) {
		slugs, err := c.Post.Query().Select(entpost.FieldSlug).Strings(ctx)
		return len(slugs), err
	},
	"update": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) {
		return c.Post.Update().SetTitle("changed").Save(ctx)
	},
	"update one": func(ctx context.Context, c *ent.Client, id uuid.UUID) (int, error) {
		return one(c.Post.UpdateOneID(id).SetTitle("changed").Exec(ctx))
	},
	"delete": func(ctx context.Context, c *ent.Client, _ uuid.UUID) (int, error) { return c.Post.Delete().Exec(ctx) },
	"delete one": func(ctx context.Context, c *ent.Client, id uuid.UUID) (int, error) {
		return one(c.Post.DeleteOneID(id).Exec(ctx))
	},
}

func one(err error) (int, error) {
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return 1, err
}

func TestNoStatementReachesPostsWithoutATenant(t *testing.T) {
	t.Parallel()
	c := entClient(t)
	for name, run := range operations {
		_, err := run(t.Context(), c, uuid.New())
		require.ErrorIs(t, err, tenant.ErrMissing, name)
		_, err = run(tenant.NewContext(t.Context(), uuid.Nil), c, uuid.New())
		require.ErrorIs(t, err, tenant.ErrMissing, "%s in the zero tenant", name)
		_, err = run(tenant.System(t.Context(), ""), c, uuid.New())
		require.ErrorIs(t, err, tenant.ErrMissing, "%s for no reason", name)
	}
	for name, ctx := range map[string]context.Context{"nobody": t.Context(), "the system": tenant.System(t.Context(), "test")} {
		require.ErrorIs(t, newRow(c, "a").Exec(ctx), tenant.ErrMissing, "create for %s", name)
		require.ErrorIs(t, c.Post.CreateBulk(newRow(c, "a"), newRow(c, "b")).Exec(ctx), tenant.ErrMissing, "create many for %s", name)
	}
	n, err := c.Post.Query().Count(tenant.System(t.Context(), "test"))
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestEveryStatementStaysInItsTenantAndTheSystemSeesAll(t *testing.T) {
	t.Parallel()
	for name, run := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := entClient(t)
			mine, theirs := tenant.NewContext(t.Context(), uuid.New()), tenant.NewContext(t.Context(), uuid.New())
			row, err := newRow(c, "a").SetTenantID(uuid.New()).Save(mine) // whatever the caller says
			require.NoError(t, err)
			id, _ := tenant.FromContext(mine)
			require.Equal(t, id, row.TenantID)
			require.NoError(t, newRow(c, "a").Exec(theirs), "a slug is free in another tenant")
			require.NoError(t, newRow(c, "b").Exec(theirs))

			nobody := tenant.NewContext(tenant.System(t.Context(), "ended by a tenant"), uuid.New())
			n, err := run(nobody, c, row.ID)
			require.NoError(t, err)
			require.Zero(t, n, "a tenant without rows")
			n, err = run(mine, c, row.ID)
			require.NoError(t, err)
			require.Equal(t, 1, n, "its own row")

			changed, err := c.Post.Query().Where(entpost.Title("changed")).Count(theirs)
			require.NoError(t, err)
			require.Zero(t, changed, "rows of another tenant stay as they are")

			system := tenant.System(t.Context(), "test")
			if left, err := c.Post.Query().Count(system); left == 3 {
				require.NoError(t, err)
				n, err = run(system, c, row.ID)
				require.NoError(t, err)
				require.Positive(t, n, "the system sees all")
			} else {
				require.Equal(t, 2, left, "only its own row is gone")
			}
		})
	}
}
