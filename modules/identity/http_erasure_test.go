package identity_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/housekeeping"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

func TestATenantIsErasedWhenItsGracePeriodIsOver(t *testing.T) {
	t.Parallel()
	var keeper *housekeeping.Keeper
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&keeper)}})
	owner, bob := app.Register(t, "ada"), app.Register(t, "bob")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	join(t, app, owner, bob, authz.Member)
	path := tenantsPath + "/" + owner.TenantID.String()
	app.Want(t, http.StatusAccepted, call("DELETE", path, owner.Token, nil))
	slug := readTenant(t, app, http.StatusOK, call("GET", path, admin, nil)).Slug
	keeper.Tidy(t.Context())
	require.Equal(t, "deleted", readTenant(t, app, http.StatusOK, call("GET", path, admin, nil)).Status)
	app.Want(t, http.StatusConflict, call("POST", tenantsPath, bob.Token, fields{"name": "x", "slug": slug}))

	tamper(t, app, "UPDATE identity_tenants SET erase_at = created_at WHERE id = '"+owner.TenantID.String()+"'")
	require.Equal(t, "identity.tenant_not_found", app.Want(t, http.StatusNotFound, call("POST", path+"/resume", admin, nil)).Code(t), "too late")
	keeper.Tidy(t.Context())
	app.Want(t, http.StatusNotFound, call("GET", path, admin, nil))
	for _, table := range []string{"identity_memberships", "identity_sessions", "identity_invitations", "authz_rules"} {
		require.Empty(t, app.Rows(t, "SELECT tenant_id FROM "+table+" WHERE tenant_id = '"+owner.TenantID.String()+"'"), table)
	}
	require.Equal(t, bob.TenantID, whoAmI(t, app, bob.Token).Tenant.ID, "a member of it goes on elsewhere")
	app.Want(t, http.StatusCreated, call("POST", tenantsPath, bob.Token, fields{"name": "x", "slug": slug}))

	// The owner has an account and no tenant, until somebody invites them.
	require.Equal(t, "identity.not_a_member", app.Want(t, http.StatusForbidden, login(owner.Email, owner.Password)).Code(t))
	_, token := invite(t, app, bob.Token, owner.Email, authz.Viewer)
	app.Want(t, http.StatusOK, accept("", fields{"token": token, "password": owner.Password}))
	require.Equal(t, bob.TenantID, whoAmI(t, app, signedIn(t, app, login(owner.Email, owner.Password)).Access).Tenant.ID)
}

func TestInvitationsThatExpiredLongAgoAreRemoved(t *testing.T) {
	t.Parallel()
	var keeper *housekeeping.Keeper
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&keeper)}})
	owner := app.Register(t, "ada")
	for _, email := range []string{"open@example.com", "lately@example.com", "long@example.com"} {
		app.Want(t, http.StatusCreated, invitation(owner.Token, email, authz.Member))
	}
	tamper(t, app, "UPDATE identity_invitations SET expires_at = created_at WHERE email = 'lately@example.com'")
	tamper(t, app, "UPDATE identity_invitations SET expires_at = '2020-01-01 00:00:00+00:00' WHERE email = 'long@example.com'")
	keeper.Tidy(t.Context())
	list, _ := listInvitations(t, app, owner.Token, "")
	require.Len(t, list, 2)
	require.Equal(t, "lately@example.com", list[0].Email)
	require.Equal(t, "open@example.com", list[1].Email)
}

// An invitation is no way around the locks of sign-in.
func TestPasswordsAreNotGuessedThroughAnInvitation(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.lockout.free_failures=3", "auth.lockout.first=5s"}})
	owner, bob := app.Register(t, "ada"), app.Register(t, "bob")
	_, token := invite(t, app, owner.Token, bob.Email, authz.Member)
	guess := accept("", fields{"token": token, "password": "a wrong password"})
	for range 4 {
		app.Want(t, http.StatusUnauthorized, guess)
	}
	locked := app.Want(t, http.StatusTooManyRequests, guess)
	require.NotEmpty(t, locked.Header.Get("Retry-After"))
	require.Equal(t, locked.Code(t), app.Want(t, http.StatusTooManyRequests, login(bob.Email, bob.Password)).Code(t))
	app.Want(t, http.StatusOK, accept(bob.Token, fields{"token": token}))
}
