package authz

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/problem"
)

func TestWhoMayGrantARole(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id := uuid.New()
		f.permit(t, id, "editor", "blog.*")
		f.permit(t, id, "reader", "blog.post.read")
		roles := NewRoles(f.Authorizer)
		for name, tt := range map[string]struct {
			holds []string
			may   []string
			not   []string
		}{
			"an owner":              {[]string{authz.Owner}, []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer, "editor", "reader"}, []string{authz.PlatformAdmin}},
			"an admin":              {[]string{authz.Admin}, []string{authz.Admin, "reader"}, []string{authz.Owner, authz.Viewer, "editor", authz.PlatformAdmin}},
			"a member":              {[]string{authz.Member}, []string{authz.Member, "reader"}, []string{authz.Admin, authz.Owner, "editor"}},
			"an editor":             {[]string{"editor"}, []string{"editor", "reader", authz.Viewer, authz.Member}, []string{authz.Owner, authz.Admin}},
			"two roles add up":      {[]string{"editor", authz.Admin}, []string{"editor", authz.Admin, authz.Viewer}, []string{authz.Owner}},
			"who holds all of it":   {[]string{"editor", authz.Admin, authz.Viewer}, nil, []string{authz.Owner, authz.PlatformAdmin}},
			"who holds nothing":     {nil, nil, []string{"reader", authz.Viewer, authz.Owner}},
			"the operator's people": {[]string{authz.PlatformAdmin}, []string{authz.PlatformAdmin}, []string{authz.Owner, "reader"}},
		} {
			t.Run(name, func(t *testing.T) {
				user := uuid.New()
				for _, role := range tt.holds {
					require.NoError(t, f.Assign(t.Context(), id, user, role))
				}
				ctx := as(t.Context(), id, user)
				for _, role := range tt.may {
					require.NoError(t, roles.MayGrant(ctx, role), role)
				}
				for _, role := range tt.not {
					require.ErrorIs(t, roles.MayGrant(ctx, role), authz.ErrNotHeld, role)
				}
				require.ErrorIs(t, roles.MayGrant(ctx, "ghost"), authz.ErrRoleUnknown)
			})
		}
		require.Equal(t, problem.Unauthenticated, problem.From(roles.MayGrant(t.Context(), "reader")).Kind)
	})
}

func TestARoleOfASwitchedOffModuleCanStillBeDescribed(t *testing.T) {
	t.Parallel()
	d := openSQLite(t)
	f, id, user := newFixture(t, d, sample), uuid.New(), uuid.New()
	require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))
	ctx := as(t.Context(), id, user)
	made, err := NewRoles(f.Authorizer).Create(ctx, authz.RoleDraft{Name: "editor", Permissions: []string{"blog.*", "audit.event.read"}})
	require.NoError(t, err)

	less := newFixture(t, d, sample[:1]) // without the blog
	words := "Ours."
	after, err := NewRoles(less.Authorizer).Change(ctx, made.ID, authz.RoleChange{Description: &words})
	require.NoError(t, err)
	require.Equal(t, made.Permissions, after.Permissions)
	require.Equal(t, words, after.Description)
	_, err = NewRoles(less.Authorizer).Change(ctx, made.ID, authz.RoleChange{Permissions: &made.Permissions})
	require.ErrorIs(t, err, authz.ErrPermissionUnknown)
}

func TestAnImportChangesTheVersionOfARole(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id, user := uuid.New(), uuid.New()
		require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))
		ctx, roles := as(t.Context(), id, user), NewRoles(f.Authorizer)
		made, err := roles.Create(ctx, authz.RoleDraft{Name: "editor", Permissions: []string{"blog.*"}})
		require.NoError(t, err)
		f.permit(t, id, "editor", "audit.event.read")
		added, err := roles.ByID(ctx, made.ID)
		require.NoError(t, err)
		require.Greater(t, added.Version, made.Version)
		require.NoError(t, f.Adapter(t.Context()).RemovePolicy("p", "p", []string{"editor", id.String(), "blog.*", ""}))
		removed, err := roles.ByID(ctx, made.ID)
		require.NoError(t, err)
		require.Greater(t, removed.Version, added.Version)
		require.Equal(t, []string{"audit.event.read"}, removed.Permissions)
		stale := func(version int) bool { return version == made.Version }
		_, err = roles.Change(ctx, made.ID, authz.RoleChange{Accepts: stale})
		require.ErrorIs(t, err, authz.ErrRoleChanged)
	})
}

func TestAssigningAndDeletingARoleExcludeEachOther(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		for range 10 {
			id, owner, user := uuid.New(), uuid.New(), uuid.New()
			require.NoError(t, f.Assign(t.Context(), id, owner, authz.Owner))
			ctx, roles := as(t.Context(), id, owner), NewRoles(f.Authorizer)
			made, err := roles.Create(ctx, authz.RoleDraft{Name: "editor", Permissions: []string{"blog.*"}})
			require.NoError(t, err)
			outcome := make(chan error, 2)
			go func() { outcome <- f.Assign(context.WithoutCancel(ctx), id, user, "editor") }()
			go func() { outcome <- roles.Delete(ctx, made.ID, authz.RoleRemoval{}) }()
			failed := 0
			for range 2 {
				if err := <-outcome; err != nil {
					failed++
					require.Contains(t, []problem.Kind{problem.Invalid, problem.Conflict}, problem.From(err).Kind, "%v", err)
				}
			}
			require.Equal(t, 1, failed, "nobody has a role that is gone")
		}
	})
}
