package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

const tenantsPath = "/api/v1/tenants"

type tenantDetails struct {
	ID                 uuid.UUID
	Name, Slug, Status string
	EraseAt            *time.Time `json:"erase_at"`
}

func call(method, path, token string, body any) testapp.Call {
	return testapp.Call{Method: method, Path: path, Token: token, Body: body}
}

func readTenant(t *testing.T, app *testapp.App, status int, c testapp.Call) tenantDetails {
	t.Helper()
	var d tenantDetails
	app.Want(t, status, c).JSON(t, &d)
	return d
}

func newTenantOf(t *testing.T, app *testapp.App, token, name string) tenantDetails {
	t.Helper()
	return readTenant(t, app, http.StatusCreated, call("POST", tenantsPath, token, fields{"name": name}))
}

func switchTo(token, tenant string) testapp.Call {
	return call("POST", "/api/v1/auth/switch", token, fields{"tenant": tenant})
}

func listTenants(t *testing.T, app *testapp.App, token, query string) (slugs []string, next *string) {
	t.Helper()
	var page struct {
		Items []tenantDetails
		Next  *string `json:"next_cursor"`
	}
	app.Want(t, http.StatusOK, call("GET", tenantsPath+query, token, nil)).JSON(t, &page)
	slugs = []string{}
	for _, d := range page.Items {
		slugs = append(slugs, d.Slug)
	}
	return slugs, page.Next
}

func TestAUserOwnsSeveralTenantsAndSwitchesBetweenThem(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	first := whoAmI(t, app, user.Token).Tenant

	answer := app.Want(t, http.StatusCreated, call("POST", tenantsPath, user.Token, fields{"name": "  Second, Inc. "}))
	var second tenantDetails
	answer.JSON(t, &second)
	require.Equal(t, "Second, Inc.", second.Name)
	require.Equal(t, "second-inc", second.Slug)
	require.Equal(t, "active", second.Status)
	require.Equal(t, tenantsPath+"/"+second.ID.String(), answer.Header.Get("Location"))
	require.Equal(t, `"1"`, answer.Header.Get("ETag"))
	chosen := readTenant(t, app, http.StatusCreated, call("POST", tenantsPath, user.Token, fields{"name": "Third", "slug": "number-3"}))
	require.Equal(t, "number-3", chosen.Slug)

	slugs, next := listTenants(t, app, user.Token, "?limit=2")
	require.Equal(t, []string{"number-3", "second-inc"}, slugs)
	slugs, next = listTenants(t, app, user.Token, "?limit=2&cursor="+*next)
	require.Equal(t, []string{first.Slug}, slugs)
	require.Nil(t, next)

	for _, name := range []string{"second-inc", " SECOND-inc ", second.ID.String(), strings.ToUpper(second.ID.String())} {
		got := signedIn(t, app, switchTo(user.Token, name))
		p := whoAmI(t, app, got.Access)
		require.Equal(t, second.ID, p.Tenant.ID)
		require.Equal(t, user.ID, p.User.ID)
		require.Equal(t, []string{authz.Owner}, p.Roles)
		next := signedIn(t, app, refresh(got.Refresh))
		require.Equal(t, second.ID, whoAmI(t, app, next.Access).Tenant.ID, "a refresh stays there")
	}
	require.Equal(t, user.TenantID, whoAmI(t, app, user.Token).Tenant.ID, "the session before goes on")

	there := signedIn(t, app, switchTo(user.Token, "second-inc")).Access
	app.Want(t, http.StatusNotFound, call("GET", tenantsPath+"/"+user.TenantID.String(), there, nil))
	require.Equal(t, second, readTenant(t, app, http.StatusOK, call("GET", tenantsPath+"/"+second.ID.String(), there, nil)))
}

func TestNobodySwitchesToATenantThatIsNotTheirs(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	before := app.Dump(t)
	for _, name := range []string{
		other.TenantID.String(), whoAmI(t, app, other.Token).Tenant.Slug, "operator", "nowhere", uuid.NewString(), uuid.Nil.String(), " ", "' OR 1=1 --",
	} {
		require.Equal(t, "identity.tenant_not_found", app.Want(t, http.StatusNotFound, switchTo(user.Token, name)).Code(t), "%q", name)
	}
	require.Equal(t, before, app.Dump(t))
}

// Going to and fro must not make a session live longer than its sign-in allows.
func TestASwitchedSessionCountsFromTheSameSignIn(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	token := user.Token
	for range 3 {
		token = signedIn(t, app, switchTo(token, user.TenantID.String())).Access
	}
	require.Len(t, app.Rows(t, "SELECT DISTINCT created_at FROM identity_sessions WHERE user_id = '"+user.ID.String()+"'"), 1)
}

func TestATenantIsChangedByThoseWhoMay(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	path := tenantsPath + "/" + user.TenantID.String()
	tag := app.Want(t, http.StatusOK, call("GET", path, user.Token, nil)).Header.Get("ETag")
	change := func(body any, tag string) testapp.Call {
		c := call("PATCH", path, user.Token, body)
		if tag != "" {
			c.Header = map[string]string{"If-Match": tag}
		}
		return c
	}
	require.Equal(t, "New Name", readTenant(t, app, http.StatusOK, change(fields{"name": " New Name "}, tag)).Name)
	require.Equal(t, "identity.tenant_changed", app.Want(t, http.StatusPreconditionFailed, change(fields{"name": "Lost"}, tag)).Code(t))
	got := readTenant(t, app, http.StatusOK, change(fields{"slug": "new-slug"}, "*"))
	require.Equal(t, "new-slug", got.Slug)
	require.Equal(t, "New Name", whoAmI(t, app, user.Token).Tenant.Name)
	require.Equal(t, "new-slug", whoAmI(t, app, signedIn(t, app, switchTo(user.Token, "NEW-slug")).Access).Tenant.Slug)

	taken := whoAmI(t, app, other.Token).Tenant.Slug
	require.Equal(t, "identity.slug_taken", app.Want(t, http.StatusConflict, change(fields{"slug": taken}, "")).Code(t))
	require.Equal(t, "identity.slug_taken", app.Want(t, http.StatusConflict, call("POST", tenantsPath, user.Token, fields{"name": "x", "slug": taken})).Code(t))
	for name, body := range map[string]fields{
		"no name":                      {"name": " "},
		"a long name":                  {"name": strings.Repeat("x", 201)},
		"a control character":          {"name": "a\nb"},
		"capitals in the slug":         {"slug": "Acme"},
		"a dot in the slug":            {"slug": "a.b"},
		"two dashes":                   {"slug": "xn--a"},
		"no slug":                      {"slug": ""},
		"an id as the slug":            {"slug": uuid.NewString()},
		"an id without dashes":         {"slug": strings.ReplaceAll(uuid.NewString(), "-", "")},
		"a slug that is no host label": {"slug": strings.Repeat("a", 51)},
	} {
		require.Equal(t, "identity.tenant_invalid", app.Want(t, http.StatusUnprocessableEntity, change(body, "")).Code(t), name)
	}
	for name, body := range map[string]fields{
		"nothing":     {},
		"its id":      {"id": uuid.NewString(), "name": "x"},
		"its tenant":  {"tenant_id": other.TenantID.String(), "name": "x"},
		"its status":  {"status": "active", "name": "x"},
		"its kind":    {"kind": "operator", "name": "x"},
		"its owner":   {"owner_id": other.ID.String(), "name": "x"},
		"its version": {"version": 7, "name": "x"},
	} {
		require.Equal(t, "request.invalid", app.Want(t, http.StatusUnprocessableEntity, change(body, "")).Code(t), name)
		body["name"] = "x"
		if name != "nothing" {
			require.Equal(t, "request.invalid", app.Want(t, http.StatusUnprocessableEntity, call("POST", tenantsPath, user.Token, body)).Code(t), name)
		}
	}
}

func TestOnlyTheOperatorReachesTheTenantsOfOthers(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	path := tenantsPath + "/" + user.TenantID.String()
	slug := whoAmI(t, app, user.Token).Tenant.Slug

	require.Equal(t, slug, readTenant(t, app, http.StatusOK, call("GET", path, admin, nil)).Slug)
	app.Want(t, http.StatusNotFound, call("GET", tenantsPath+"/"+uuid.NewString(), admin, nil))
	all, _ := listTenants(t, app, admin, "?scope=all")
	require.ElementsMatch(t, []string{"operator", slug}, all)
	own, _ := listTenants(t, app, admin, "")
	require.Equal(t, []string{"operator"}, own)
	require.Equal(t, "identity.tenant_not_found", app.Want(t, http.StatusNotFound, call("PATCH", path, admin, fields{"name": "x"})).Code(t))
	require.Equal(t, "identity.tenant_not_found", app.Want(t, http.StatusNotFound, call("DELETE", path, admin, nil)).Code(t))

	require.Equal(t, "authz.denied", app.Want(t, http.StatusForbidden, call("GET", tenantsPath+"?scope=all", user.Token, nil)).Code(t))
	for _, verb := range []string{"/suspend", "/resume"} {
		require.Equal(t, "authz.denied", app.Want(t, http.StatusForbidden, call("POST", path+verb, user.Token, nil)).Code(t))
	}

	// The role alone does not make an operator of somebody in another tenant.
	require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.PlatformAdmin))
	app.Want(t, http.StatusNotFound, call("GET", tenantsPath+"?scope=all", user.Token, nil))
	app.Want(t, http.StatusNotFound, call("POST", path+"/suspend", user.Token, nil))
	operator := whoAmI(t, app, admin).Tenant.ID.String()
	app.Want(t, http.StatusNotFound, call("GET", tenantsPath+"/"+operator, user.Token, nil))
	app.Want(t, http.StatusNotFound, call("POST", tenantsPath+"/"+operator+"/suspend", user.Token, nil))

	for _, c := range []testapp.Call{
		call("POST", tenantsPath+"/"+operator+"/suspend", admin, nil),
		call("DELETE", tenantsPath+"/"+operator, admin, nil),
		call("PATCH", tenantsPath+"/"+operator, admin, fields{"slug": "root"}),
	} {
		require.Equal(t, "identity.tenant_operator", app.Want(t, http.StatusConflict, c).Code(t))
	}
}

// Two platforms over one database are two replicas.
func TestTheLiveTokensOfASuspendedTenantAreRefusedEverywhereWithinASecond(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	user, other := one.Register(t, "ada"), one.Register(t, "eve")
	admin, _ := one.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	elsewhere := newTenantOf(t, one, user.Token, "Elsewhere")
	path := tenantsPath + "/" + user.TenantID.String()
	for _, app := range []*testapp.App{one, two} {
		whoAmI(t, app, user.Token)
		whoAmI(t, app, other.Token)
	}
	soon := func(status int, c testapp.Call) testapp.Answer {
		t.Helper()
		testapp.WithinASecond(t, func() bool { return two.Do(t, c).Status == status })
		return two.Want(t, status, c)
	}

	require.Equal(t, "suspended", readTenant(t, one, http.StatusOK, call("POST", path+"/suspend", admin, nil)).Status)
	require.Equal(t, "tenant.suspended", one.Want(t, http.StatusForbidden, me(user.Token)).Code(t), "at once")
	require.Equal(t, "tenant.suspended", soon(http.StatusForbidden, me(user.Token)).Code(t))
	for _, c := range []testapp.Call{
		write(user.Token), call("GET", path, user.Token, nil), call("POST", tenantsPath, user.Token, fields{"name": "x"}), refresh(user.Refresh),
		login(user.Email, user.Password), logout(user.Token), switchTo(user.Token, elsewhere.Slug),
	} {
		if c.Path == "/api/v1/auth/login" { // the other tenant is chosen, unless this one is asked for
			c.Body = fields{"email": user.Email, "password": user.Password, "tenant": user.TenantID.String()}
		}
		require.Equal(t, "tenant.suspended", two.Want(t, http.StatusForbidden, c).Code(t), c.Path)
	}
	whoAmI(t, two, other.Token)
	whoAmI(t, one, other.Token)
	there := signedIn(t, two, login(user.Email, user.Password)).Access
	require.Equal(t, elsewhere.ID, whoAmI(t, two, there).Tenant.ID)
	require.Equal(t, "tenant.suspended", two.Want(t, http.StatusForbidden, switchTo(there, user.TenantID.String())).Code(t))
	require.Equal(t, "suspended", readTenant(t, two, http.StatusOK, call("POST", path+"/suspend", admin, nil)).Status, "twice is no error")

	require.Equal(t, "active", readTenant(t, one, http.StatusOK, call("POST", path+"/resume", admin, nil)).Status)
	require.Equal(t, user.ID, whoAmI(t, one, user.Token).User.ID, "the same token")
	soon(http.StatusOK, me(user.Token))

	trail := one.Rows(t, "SELECT permission, outcome FROM audit_events WHERE tenant_id = '"+user.TenantID.String()+"' AND target = 'identity.tenant:"+
		user.TenantID.String()+"' ORDER BY id")
	require.Equal(t, []map[string]string{
		{"permission": "identity.tenant.suspend", "outcome": "succeeded"},
		{"permission": "identity.tenant.suspend", "outcome": "succeeded"},
		{"permission": "identity.tenant.resume", "outcome": "succeeded"},
	}, trail, "the tenant sees what the operator did")
}

func TestADeletedTenantIsGoneAtOnceAndCanBeBroughtBack(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	path := tenantsPath + "/" + user.TenantID.String()
	member := app.Register(t, "bob")
	join(t, app, user, member, authz.Admin)
	adminThere := signedIn(t, app, switchTo(member.Token, user.TenantID.String())).Access
	require.Equal(t, "authz.denied", app.Want(t, http.StatusForbidden, call("DELETE", path, adminThere, nil)).Code(t), "only owners delete")

	gone := readTenant(t, app, http.StatusAccepted, call("DELETE", path, user.Token, nil))
	require.Equal(t, "deleted", gone.Status)
	require.WithinDuration(t, time.Now().Add(720*time.Hour), *gone.EraseAt, time.Minute)
	for _, token := range []string{user.Token, adminThere} {
		require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(token)).Code(t))
	}
	app.Want(t, http.StatusForbidden, login(user.Email, user.Password))
	require.Equal(t, "identity.tenant_not_found", app.Want(t, http.StatusNotFound, switchTo(member.Token, user.TenantID.String())).Code(t))
	own, _ := listTenants(t, app, member.Token, "")
	require.Len(t, own, 1)
	require.Equal(t, "deleted", readTenant(t, app, http.StatusOK, call("GET", path, admin, nil)).Status)

	back := readTenant(t, app, http.StatusOK, call("POST", path+"/resume", admin, nil))
	require.Equal(t, "active", back.Status)
	require.Nil(t, back.EraseAt)
	require.Equal(t, user.TenantID, whoAmI(t, app, signedIn(t, app, login(user.Email, user.Password)).Access).Tenant.ID)
}

func TestClosedRegistrationKeepsTenantsFromBeingMade(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.registration=false"}})
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	require.Equal(t, "identity.registration_closed", app.Want(t, http.StatusForbidden, call("POST", tenantsPath, admin, fields{"name": "x"})).Code(t))
}

func TestTheHostMustAgreeWithTheToken(t *testing.T) {
	t.Parallel()
	base := testapp.Options{Set: []string{"tenant.base_domain=example.test"}}
	one := testapp.New(t, modules.All(), base)
	two := testapp.New(t, modules.All(), base, testapp.Options{Database: one.DatabaseURL()})
	user, other := one.Register(t, "ada"), one.Register(t, "eve")
	slug, foreign := whoAmI(t, one, user.Token).Tenant.Slug, whoAmI(t, one, other.Token).Tenant.Slug
	at := func(app *testapp.App, host string) testapp.Answer {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
		r.Header.Set("Authorization", "Bearer "+user.Token)
		r.Host = host
		return app.Send(t, r)
	}
	for _, host := range []string{slug + ".example.test", strings.ToUpper(slug) + ".EXAMPLE.test.:8080", "example.test", "www.example.test", "localhost", ""} {
		require.Equal(t, http.StatusOK, at(one, host).Status, "%q", host)
	}
	for _, host := range []string{
		foreign + ".example.test", "nobody.example.test", "operator.example.test", "x." + slug + ".example.test", "xn--d.example.test", ".example.test",
	} {
		answer := at(two, host)
		require.Equal(t, http.StatusForbidden, answer.Status, "%q", host)
		require.Equal(t, "tenant.mismatch", answer.Code(t), "%q", host)
	}

	// A slug that changes, and one that named nobody until now.
	require.Equal(t, http.StatusForbidden, at(two, "renamed.example.test").Status)
	one.Want(t, http.StatusOK, call("PATCH", tenantsPath+"/"+user.TenantID.String(), user.Token, fields{"slug": "renamed"}))
	require.Equal(t, http.StatusOK, at(one, "renamed.example.test").Status, "at once")
	require.Equal(t, http.StatusForbidden, at(one, slug+".example.test").Status)
	testapp.WithinASecond(t, func() bool {
		return at(two, "renamed.example.test").Status == http.StatusOK && at(two, slug+".example.test").Status == http.StatusForbidden
	})
}

// tamper changes the database past every module. Both engines must understand the statement.
func tamper(t *testing.T, app *testapp.App, statement string) {
	t.Helper()
	app.Tamper(t, statement)
}
