package authz

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

func TestAChangedRoleCountsOnTheNextCall(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id, user := uuid.New(), uuid.New()
		ctx := as(t.Context(), id, user)
		requireDenied(t, f.Authorize(ctx, "blog.post.create"))

		require.NoError(t, f.Assign(ctx, id, user, authz.Member))
		require.NoError(t, f.Authorize(ctx, "blog.post.create"))
		require.Equal(t, []string{"authz.tenant " + id.String()}, f.announced.take())

		require.NoError(t, f.Assign(ctx, id, user, authz.Member), "assigning twice")
		require.Empty(t, f.announced.take(), "nothing changed")

		f.permit(t, id, "editor", "audit.*")
		require.NoError(t, f.Assign(ctx, id, user, "editor"))
		require.NoError(t, f.Authorize(ctx, "audit.event.read"))
		roles, err := f.Roles(ctx, id, user)
		require.NoError(t, err)
		require.Equal(t, []string{"editor", authz.Member}, roles)

		f.permit(t, id, "editor", "blogger.post.read")
		require.NoError(t, f.Authorize(ctx, "blogger.post.read"), "a changed role counts too")
		f.announced.take()

		require.NoError(t, f.Unassign(ctx, id, user, authz.Member))
		requireDenied(t, f.Authorize(ctx, "blog.post.create"))
		require.Equal(t, []string{"authz.tenant " + id.String()}, f.announced.take())
		require.NoError(t, f.Unassign(ctx, id, user, authz.Member), "taking what is not held")
		require.Empty(t, f.announced.take())
	})
}

func TestGrantsAreOfOneTenantAndOneUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, other, user, colleague := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))
	require.NoError(t, f.Authorize(as(t.Context(), id, user), "blog.post.read"))
	requireDenied(t, f.Authorize(as(t.Context(), id, colleague), "blog.post.read"))
	requireDenied(t, f.Authorize(as(t.Context(), other, user), "blog.post.read"))
	require.NoError(t, f.Unassign(t.Context(), other, user, authz.Owner))
	require.NoError(t, f.Authorize(as(t.Context(), id, user), "blog.post.read"))
}

func TestARoleThatWouldGrantNothingIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, other, user := uuid.New(), uuid.New(), uuid.New()
	f.permit(t, other, "editor", "blog.*")
	for _, role := range []string{"editor", "", "Owner", "*", user.String()} {
		err := f.Assign(t.Context(), id, user, role)
		require.Equal(t, problem.Invalid, problem.From(err).Kind, "%q: %v", role, err)
		require.Equal(t, "authz.role_unknown", problem.From(err).Code)
	}
	require.Error(t, f.Assign(t.Context(), uuid.Nil, user, authz.Owner))
	require.Error(t, f.Assign(t.Context(), id, uuid.Nil, authz.Owner))
}

func TestATransactionSeesItsOwnGrantsAndTheOthersOnlyCommittedOnes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id, user := uuid.New(), uuid.New()
		undo := errors.New("undo")
		err := f.driver.InTx(as(t.Context(), id, user), func(ctx context.Context) error {
			require.NoError(t, f.Assign(ctx, id, user, authz.Viewer))
			roles, err := f.Roles(ctx, id, user)
			require.NoError(t, err)
			require.Equal(t, []string{authz.Viewer}, roles)
			held, err := f.Permissions(ctx, id, user)
			require.NoError(t, err)
			require.Equal(t, []perm.Permission{"blog.comment.read", "blog.post.read"}, held)
			requireDenied(t, f.Authorize(ctx, "blog.post.read"))
			return undo
		})
		require.ErrorIs(t, err, undo)
		requireDenied(t, f.Authorize(as(t.Context(), id, user), "blog.post.read"))
		roles, err := f.Roles(t.Context(), id, user)
		require.NoError(t, err)
		require.Empty(t, roles)
	})
}

func TestTwoTransactionsMayAssignTheSameRole(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id, user := uuid.New(), uuid.New()
		var group sync.WaitGroup
		failures := make(chan error, 16)
		for range cap(failures) {
			group.Go(func() {
				failures <- f.driver.InTx(t.Context(), func(ctx context.Context) error {
					r, err := parseRule("g", []string{user.String(), authz.Admin, id.String()})
					if err != nil {
						return err
					}
					if err := f.insert(ctx, []rule{r}); err != nil { // past the check that Assign makes
						return err
					}
					_, err = f.Roles(ctx, id, user) // the transaction is still usable
					return err
				})
			})
		}
		group.Wait()
		close(failures)
		for err := range failures {
			require.NoError(t, err)
		}
		roles, err := f.Roles(t.Context(), id, user)
		require.NoError(t, err)
		require.Equal(t, []string{authz.Admin}, roles)
	})
}
