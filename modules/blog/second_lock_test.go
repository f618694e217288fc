package blog_test

import (
	"context"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/blog/internal/ent"
	"github.com/yourorg/platform/pkg/tenant"
)

// behind runs the statements of ent in the scope of one tenant, whatever ent believes: with a context in system scope its
// interceptor and hook let everything through, and only the database is left to refuse.
type behind struct {
	*database.Driver
	id tenant.ID
}

func (b behind) Query(ctx context.Context, query string, args, v any) error {
	return b.Driver.Query(tenant.NewContext(ctx, b.id), query, args, v)
}

func (b behind) Exec(ctx context.Context, query string, args, v any) error {
	return b.Driver.Exec(tenant.NewContext(ctx, b.id), query, args, v)
}

func (b behind) Tx(ctx context.Context) (dialect.Tx, error) {
	begun, err := b.Driver.Tx(ctx)
	return behindTx{begun, b.id}, err
}

type behindTx struct {
	dialect.Tx
	id tenant.ID
}

func (b behindTx) Query(ctx context.Context, query string, args, v any) error {
	return b.Tx.Query(tenant.NewContext(ctx, b.id), query, args, v)
}

func (b behindTx) Exec(ctx context.Context, query string, args, v any) error {
	return b.Tx.Exec(tenant.NewContext(ctx, b.id), query, args, v)
}

func TestWithoutTheInterceptorNothingLeaks(t *testing.T) {
	t.Parallel()
	if !testapp.Postgres() {
		t.Skip("only on Postgres")
	}
	app := testapp.New(t, modules.All())
	ours, theirs := uuid.New(), uuid.New()
	system := tenant.System(t.Context(), "the first lock is open")
	open := ent.NewClient(ent.Driver(app.Database))
	row, err := newRow(open, "secret").Save(tenant.NewContext(t.Context(), theirs))
	require.NoError(t, err)

	c := ent.NewClient(ent.Driver(behind{app.Database, ours}))
	for name, operation := range operations {
		n, err := operation(system, c, row.ID)
		if err != nil {
			require.True(t, ent.IsNotFound(err), "%s: %v", name, err)
		}
		require.Zero(t, n, name)
	}
	err = newRow(c, "planted").Exec(tenant.NewContext(t.Context(), theirs))
	require.ErrorContains(t, err, "violates row-level security policy")
	left, err := open.Post.Query().All(system)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "secret", left[0].Slug, "nothing has happened to it")
	require.Equal(t, row.Title, left[0].Title)
}
