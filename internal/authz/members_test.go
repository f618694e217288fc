package authz

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
)

func TestRolesAndTheirHoldersAreListedForOneTenant(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		here, there, users := uuid.New(), uuid.New(), newIDs(3)
		for _, g := range []struct {
			t, user uuid.UUID
			role    string
		}{
			{here, users[0], authz.Owner},
			{here, users[0], authz.Admin},
			{here, users[1], authz.Owner},
			{there, users[2], authz.Owner},
			{there, users[0], authz.Viewer},
		} {
			require.NoError(t, f.Assign(t.Context(), g.t, g.user, g.role))
		}
		roles, err := f.RolesOf(t.Context(), here, users...)
		require.NoError(t, err)
		require.Equal(t, map[uuid.UUID][]string{users[0]: {authz.Admin, authz.Owner}, users[1]: {authz.Owner}}, roles)
		roles, err = f.RolesOf(t.Context(), here)
		require.NoError(t, err)
		require.Empty(t, roles)
		many, err := f.RolesOf(t.Context(), here, append(newIDs(2*batchSize), users...)...)
		require.NoError(t, err)
		require.Len(t, many, 2)

		holders, err := f.Holders(t.Context(), here, authz.Owner)
		require.NoError(t, err)
		require.ElementsMatch(t, users[:2], holders)
		holders, err = f.Holders(t.Context(), here, authz.Viewer)
		require.NoError(t, err)
		require.Empty(t, holders)
	})
}

func TestErasingATenantTakesItsRulesAndNoOthers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		here, there, user := uuid.New(), uuid.New(), uuid.New()
		for _, id := range []uuid.UUID{here, there} {
			f.permit(t, id, "editor", "blog.*")
			require.NoError(t, f.Assign(t.Context(), id, user, "editor"))
		}
		require.NoError(t, f.Authorize(as(t.Context(), here, user), "blog.post.read"))
		f.announced.take()
		total := 0
		for {
			n, err := f.Erase(t.Context(), here)
			require.NoError(t, err)
			if n == 0 {
				break
			}
			total += n
		}
		require.GreaterOrEqual(t, total, 2)
		require.Contains(t, f.announced.take(), "authz.tenant "+here.String())
		requireDenied(t, f.Authorize(as(t.Context(), here, user), "blog.post.read"))
		require.NoError(t, f.Authorize(as(t.Context(), there, user), "blog.post.read"))
	})
}
