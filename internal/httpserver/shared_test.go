package httpserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestATenantAllowsOriginsAtItsOwnHost(t *testing.T) {
	t.Parallel()
	const own, foreign = "https://portal.customer.example", "https://evil.example"
	set := []string{
		"tenant.base_domain=example.test", "http.cors.tenant_origins=true",
		"http.cors.allowed_origins=https://app.example.com", "http.cors.allow_credentials=true",
	}
	app := testapp.New(t, modules.All(), testapp.Options{Set: set})
	second := testapp.New(t, modules.All(), testapp.Options{Set: set, Database: app.DatabaseURL()})
	ada, eve := app.Register(t, "ada"), app.Register(t, "eve")
	host := func(token string) string {
		var me struct{ Tenant struct{ Slug string } }
		app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: token}).JSON(t, &me)
		return me.Tenant.Slug + ".example.test"
	}
	home, elsewhere := host(ada.Token), host(eve.Token)
	preflight := func(app *testapp.App, at, origin string) http.Header {
		r := httptest.NewRequest(http.MethodOptions, "/api/v1/me", nil)
		r.Host = at
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodGet)
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		return answer.Header()
	}
	const allowed = "Access-Control-Allow-Origin"
	require.Empty(t, preflight(app, home, own).Get(allowed))

	change := func(status int, origins ...string) testapp.Answer {
		body, err := json.Marshal(map[string]any{"scope": "tenant", "values": map[string]any{"core.cors_origins": origins}})
		require.NoError(t, err)
		return app.Want(t, status, testapp.Call{Method: "PATCH", Path: "/api/v1/settings", Token: ada.Token, Body: string(body)})
	}
	for _, bad := range []string{"*", "null", "https://portal.customer.example/path", "javascript:alert(1)", "https://*.example"} {
		change(http.StatusUnprocessableEntity, bad)
	}
	change(http.StatusOK, own)
	testapp.WithinASecond(t, func() bool { return preflight(second, home, own).Get(allowed) == own })
	answer := preflight(app, home, own)
	require.Equal(t, own, answer.Get(allowed))
	require.Contains(t, answer.Get("Access-Control-Allow-Methods"), "PATCH")
	require.Empty(t, answer.Get("Access-Control-Allow-Credentials"), "a tenant's pages are sent no cookies")
	require.Contains(t, answer.Get("Vary"), "Origin")
	for at, origin := range map[string]string{home: foreign, elsewhere: own, "example.test": own, "nobody.example.test": own} {
		require.Empty(t, preflight(app, at, origin).Get(allowed), "%s at %s", origin, at)
	}
	require.Equal(t, "https://app.example.com", preflight(app, home, "https://app.example.com").Get(allowed), "those of the configuration count everywhere")

	r := httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
	r.Host = home
	r.Header.Set("Origin", own)
	r.Header.Set("Authorization", "Bearer "+ada.Token)
	require.Equal(t, own, app.Send(t, r).Header.Get(allowed))

	closed := testapp.New(t, modules.All(), testapp.Options{Set: set[:1], Database: app.DatabaseURL()})
	require.Empty(t, preflight(closed, home, own).Get(allowed), "the operator has not let tenants")
}
