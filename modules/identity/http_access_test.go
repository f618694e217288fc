package identity_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

func write(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: token, Body: fields{"title": "x"}}
}

func TestAChangedRoleCountsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	for range 3 {
		app.Want(t, http.StatusCreated, write(user.Token))
		require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
		require.Equal(t, "authz.denied", app.Want(t, http.StatusForbidden, write(user.Token)).Code(t))
		p := whoAmI(t, app, user.Token)
		require.Empty(t, p.Roles)
		require.Empty(t, p.Permissions)

		require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.Viewer))
		app.Want(t, http.StatusForbidden, write(user.Token))
		held := whoAmI(t, app, user.Token).Permissions
		require.Contains(t, held, "blog.post.read")
		require.NotContains(t, held, "blog.post.create")

		require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Viewer))
		require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.Owner))
	}
}

func TestTheTenantHeaderMustAgreeWithTheToken(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	in := func(tenant string) testapp.Call {
		call := me(user.Token)
		call.Header = map[string]string{"X-Tenant-ID": tenant}
		return call
	}
	app.Want(t, http.StatusOK, in(user.TenantID.String()))
	for _, foreign := range []string{other.TenantID.String(), uuid.NewString(), uuid.Nil.String(), "acme", ""} {
		require.Equal(t, "tenant.mismatch", app.Want(t, http.StatusForbidden, in(foreign)).Code(t), "%q", foreign)
	}

	attempt := write(user.Token)
	attempt.Header = map[string]string{"X-Tenant-ID": other.TenantID.String(), "X-Request-ID": "mismatch"}
	app.Want(t, http.StatusForbidden, attempt)
	require.Equal(t, []map[string]string{{"tenant_id": user.TenantID.String(), "outcome": "denied"}},
		app.Rows(t, "SELECT tenant_id, outcome FROM audit_events WHERE request_id = 'mismatch'"), "the attempt is in the caller's own trail")
}

// Two platforms over one database are two replicas: what changes on one counts on the other within a second.
func TestReplicasAgreeWithinASecond(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL(), Set: []string{"auth.refresh_grace=0s"}})
	user := one.Register(t, "ada")
	soon := func(status int, call testapp.Call, what string) {
		t.Helper()
		testapp.WithinASecond(t, func() bool { return two.Do(t, call).Status == status }, what)
	}
	require.Equal(t, user.ID, whoAmI(t, two, user.Token).User.ID, "a token holds on every replica")
	two.Want(t, http.StatusCreated, write(user.Token))

	require.NoError(t, one.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
	soon(http.StatusForbidden, write(user.Token), "a lost role")
	require.NoError(t, one.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.Member))
	soon(http.StatusCreated, write(user.Token), "a new role")

	one.Want(t, http.StatusNoContent, logout(user.Token))
	soon(http.StatusUnauthorized, me(user.Token), "an ended session")
	require.Equal(t, "auth.token_revoked", two.Want(t, http.StatusUnauthorized, me(user.Token)).Code(t))

	// And the other way round: a family that is ended here is refused there.
	token, next := two.Login(t, user.Email, user.Password)
	whoAmI(t, one, token)
	signedIn(t, two, refresh(next))
	two.Want(t, http.StatusUnauthorized, refresh(next))
	testapp.WithinASecond(t, func() bool { return one.Do(t, me(token)).Status == http.StatusUnauthorized })
}
