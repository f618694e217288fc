package httpserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
)

// The handler does not look at its context, so that the timer answers.
func TestThePagesOfATenantMayReadThatItTookTooLong(t *testing.T) {
	t.Parallel()
	const own = "https://portal.customer.example"
	wake := make(chan struct{})
	app := probed(t, map[string]module.Handler{"NarrowPost": func(*gin.Context, any) (any, error) { <-wake; return nil, nil }},
		testapp.Options{Set: []string{"tenant.base_domain=example.test", "http.cors.tenant_origins=true"}})
	t.Cleanup(func() { close(wake) })
	ada := app.Register(t, "ada")
	var me struct{ Tenant struct{ Slug string } }
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ada.Token}).JSON(t, &me)
	app.Want(t, http.StatusOK, testapp.Call{
		Method: "PATCH", Path: "/api/v1/settings", Token: ada.Token, Body: `{"scope":"tenant","values":{"core.cors_origins":["` + own + `"]}}`,
	})
	for origin, want := range map[string]string{own: own, "https://evil.example": ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/api/v1/probe/narrow", strings.NewReader("{}"))
		require.NoError(t, err)
		r.Host = me.Tenant.Slug + ".example.test"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", origin)
		response, err := newClient(t).Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		require.Equal(t, want, response.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, want != "", strings.Contains(response.Header.Get("Access-Control-Expose-Headers"), "Retry-After"))
		require.Contains(t, response.Header.Get("Vary"), "Origin")
	}
}
