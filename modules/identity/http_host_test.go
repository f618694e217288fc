package identity_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestASignInAtTheHostOfATenantIsToThatTenant(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"tenant.base_domain=example.test"}})
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	first, foreign := whoAmI(t, app, user.Token).Tenant.Slug, whoAmI(t, app, other.Token).Tenant.Slug
	app.Want(t, http.StatusCreated, call("POST", tenantsPath, user.Token, fields{"name": "Second", "slug": "second"}))
	at := func(host string, f fields) testapp.Answer {
		t.Helper()
		body, err := json.Marshal(f)
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodPost, "/api/v1/auth/login", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Host = host
		return app.Send(t, r)
	}
	right := fields{"email": user.Email, "password": user.Password}
	for host, slug := range map[string]string{"second.example.test": "second", first + ".example.test": first, "example.test": first} {
		answer := at(host, right)
		require.Equal(t, http.StatusOK, answer.Status, host)
		var tokens struct {
			Access string `json:"access_token"`
		}
		answer.JSON(t, &tokens)
		require.Equal(t, slug, whoAmI(t, app, tokens.Access).Tenant.Slug, host)
	}

	// Whether a host is a tenant's shows to nobody who is no member of it.
	for _, host := range []string{foreign + ".example.test", "nobody.example.test"} {
		answer := at(host, right)
		require.Equal(t, http.StatusForbidden, answer.Status, host)
		require.Equal(t, "identity.not_a_member", answer.Code(t), host)
		require.Equal(t, http.StatusUnauthorized, at(host, fields{"email": user.Email, "password": uuid.NewString()}).Status, host)
	}
}
