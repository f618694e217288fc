package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

func TestAUserRegistersSignsInAndOut(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	var registered profile
	app.Want(t, http.StatusCreated, registration(" Ada@Example.com ")).JSON(t, &registered)
	require.Equal(t, "ada@example.com", registered.User.Email)
	require.Equal(t, "acme", registered.Tenant.Slug)

	got := signedIn(t, app, login("ADA@example.com", password))
	require.Equal(t, "Bearer", got.Type)
	require.Positive(t, got.ExpiresIn)

	p := whoAmI(t, app, got.Access)
	require.Equal(t, registered.User, p.User)
	require.Equal(t, registered.Tenant, p.Tenant)
	require.Equal(t, []string{authz.Owner}, p.Roles)
	require.Contains(t, p.Permissions, "blog.post.create")
	require.NotContains(t, p.Permissions, "system.health.check")

	require.Empty(t, app.Want(t, http.StatusNoContent, logout(got.Access)).Body)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(got.Access)).Code(t), "at once")
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, logout(got.Access)).Code(t))
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(got.Refresh)).Code(t))
}

func TestLoggingOutEndsOneSession(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	phone := signedIn(t, app, login(user.Email, user.Password))
	app.Want(t, http.StatusNoContent, logout(phone.Access))
	app.Want(t, http.StatusUnauthorized, me(phone.Access))
	require.Equal(t, user.ID, whoAmI(t, app, user.Token).User.ID)
}

func TestTheAdministratorSignsIn(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	token, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	p := whoAmI(t, app, token)
	require.Equal(t, "operator", p.Tenant.Slug)
	require.Equal(t, []string{authz.Owner, authz.PlatformAdmin}, p.Roles)
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/system/health", Token: token})
}

func TestATakenAddressIsRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	app.Want(t, http.StatusCreated, registration("ada@example.com"))
	before := app.Dump(t)
	for _, same := range []string{"ada@example.com", "ADA@EXAMPLE.COM", "\tada@example.com "} {
		answer := app.Want(t, http.StatusConflict, registration(same))
		require.Equal(t, "identity.email_taken", answer.Code(t))
		require.NotContains(t, string(answer.Body), password)
	}
	require.Equal(t, before, app.Dump(t), "nothing of a refused registration is kept")
}

func TestOneOfManyRegistrationsAtOnceWins(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	created := 0
	for _, answer := range atOnce(t, app, 10, registration("ada@example.com")) {
		if answer.Status == http.StatusCreated {
			created++
			continue
		}
		require.Equal(t, http.StatusConflict, answer.Status, "%s", answer.Body)
		require.Equal(t, "identity.email_taken", answer.Code(t))
	}
	require.Equal(t, 1, created)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_users WHERE email = 'ada@example.com'"), 1)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_tenants WHERE name = 'Acme'"), 1)
}

func TestRegistrationNamesEveryFault(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	answer := app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/auth/register", Body: fields{
		"email": "nobody", "password": "hunter2", "name": " ", "tenant_name": strings.Repeat("x", 201),
	}})
	var p struct {
		Code   string
		Errors []struct{ Field, Code string }
	}
	answer.JSON(t, &p)
	require.Equal(t, "identity.registration_invalid", p.Code)
	require.Len(t, p.Errors, 4)
	require.NotContains(t, string(answer.Body), "hunter2")
}

// Nothing in the answer may tell whether an address is known.
func TestAWrongPasswordLooksLikeAnUnknownAddress(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	attempts := []testapp.Call{
		login(user.Email, "wrong"),
		login("nobody@example.com", user.Password),
		login(user.Email, strings.Repeat("x", 10_000)),
		login("no address", "x"),
		{Method: "POST", Path: "/api/v1/auth/login", Body: fields{"email": "nobody@example.com", "password": "x", "tenant": "acme"}},
		{Method: "POST", Path: "/api/v1/auth/login", Body: fields{"email": user.Email, "password": "x", "tenant": uuid.NewString()}},
	}
	var first testapp.Answer
	for i, call := range attempts {
		call.Header = map[string]string{"X-Request-ID": "same"}
		answer := app.Want(t, http.StatusUnauthorized, call)
		if i == 0 {
			first = answer
			require.Equal(t, "identity.invalid_credentials", answer.Code(t))
		}
		require.Equal(t, first, answer, "%v", call.Body) // status, headers and every byte
	}
}

func TestSigningInToATenant(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	in := func(tenant string) testapp.Call {
		return testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: fields{"email": user.Email, "password": user.Password, "tenant": tenant}}
	}
	slug := whoAmI(t, app, user.Token).Tenant.Slug
	for _, mine := range []string{slug, strings.ToUpper(slug), user.TenantID.String()} {
		require.Equal(t, user.TenantID, whoAmI(t, app, signedIn(t, app, in(mine)).Access).Tenant.ID)
	}
	for _, foreign := range []string{other.TenantID.String(), whoAmI(t, app, other.Token).Tenant.Slug, "operator", "nowhere", uuid.NewString()} {
		require.Equal(t, "identity.not_a_member", app.Want(t, http.StatusForbidden, in(foreign)).Code(t), foreign)
	}
}

func TestClosedRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.registration=false"}})
	require.Equal(t, "identity.registration_closed", app.Want(t, http.StatusForbidden, registration("ada@example.com")).Code(t))
}
