package debug_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
)

func TestOutsideDevelopmentOnlyTheOperatorSeesThePages(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Production)
	customer := r.Register(t, "customer")
	admin := r.admin(t)
	var key struct{ Key string }
	r.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/api-keys", Token: customer.Token, Body: map[string]any{
		"name": "robot", "permissions": []string{"blog.post.read"},
	}}).JSON(t, &key)
	require.NotEmpty(t, key.Key)

	calls := append([]call{}, changing...)
	for _, path := range readable {
		calls = append(calls, call{path: path})
	}
	for _, c := range calls {
		answer := r.want(t, http.StatusUnauthorized, c)
		require.Equal(t, "auth.required", answer["code"])
		require.Equal(t, `Bearer realm="platform"`, r.ask(c).Header().Get("WWW-Authenticate"))
		c.token = "nonsense"
		r.want(t, http.StatusUnauthorized, c)
		c.token = customer.Token
		r.want(t, http.StatusForbidden, c)
		c.token = key.Key
		require.Equal(t, "identity.session_required", r.want(t, http.StatusForbidden, c)["code"])
		c.token = admin
		r.want(t, http.StatusOK, c)
	}
	for _, path := range []string{"/metrics", "/healthz", "/ready"} {
		r.want(t, http.StatusOK, call{path: path, from: "192.0.2.1:1000"})
	}
	require.Equal(t, "warn", r.level.String())
}

func TestTheOwnerOfACustomerCannotGiveThemselvesThePages(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Production)
	customer := r.Register(t, "customer")
	require.NoError(t, r.Grants.Assign(t.Context(), customer.TenantID, customer.ID, "platform_admin"))
	for _, c := range append([]call{{path: "/_debug/config"}}, changing...) {
		c.token = customer.Token
		require.Equal(t, "ops.operator_only", r.want(t, http.StatusForbidden, c)["code"])
	}
	require.Equal(t, "error", r.level.String())
	require.Equal(t, []string{"/_debug/reload denied", "/_debug/log-level denied"}, r.audited(t, customer.Token))
}

func TestInDevelopmentOnlyThisMachineNeedsNoToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Development)
	for name, tt := range map[string]struct {
		call
		ok bool
	}{
		"this machine":                      {call{}, true},
		"this machine over IPv6":            {call{from: "[::1]:50000", host: "[::1]:8081"}, true},
		"by the name localhost":             {call{host: "localhost:8081"}, true},
		"another machine":                   {call{from: "192.0.2.7:50000"}, false},
		"a name that was made to lead here": {call{host: "evil.example:8081"}, false},
		"a name that begins like us":        {call{host: "localhost.evil.example"}, false},
		"through a proxy":                   {call{header: map[string]string{"X-Forwarded-For": "127.0.0.1"}}, false},
		"a page of another site":            {call{header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, false},
		"a page of another port":            {call{header: map[string]string{"Sec-Fetch-Site": "same-site"}}, false},
		"a token that is none":              {call{token: "nonsense"}, false},
		"no token behind a scheme":          {call{header: map[string]string{"Authorization": "Bearer "}}, false},
	} {
		for _, path := range readable {
			tt.path = path
			status := http.StatusUnauthorized
			if tt.ok {
				status = http.StatusOK
			}
			require.Equal(t, status, r.ask(tt.call).Code, "%s: %s", name, path)
		}
	}
	r.want(t, http.StatusOK, call{path: "/_debug", from: "192.0.2.7:50000", token: r.admin(t)})
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	for _, env := range []config.Environment{config.Development, config.Production} {
		r := newRig(t, env)
		for name, header := range map[string]map[string]string{
			"the browser says so":      {"Sec-Fetch-Site": "cross-site"},
			"an old browser says from": {"Origin": "http://evil.example"},
			"a sandboxed page":         {"Origin": "null"},
		} {
			for _, c := range changing {
				c.token, c.header = r.admin(t), header
				require.Equal(t, http.StatusForbidden, r.ask(c).Code, name)
				c.token = ""
				require.Equal(t, http.StatusForbidden, r.ask(c).Code, name)
			}
		}
		require.Equal(t, "error", r.level.String())
	}
}

// vouching takes every token for that of its caller.
type vouching struct {
	auth.Authenticator
	caller auth.Caller
}

func (v *vouching) Verify(context.Context, string) (*auth.Caller, error) { return &v.caller, nil }

func TestATokenIsHeldToWhatItIsFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Production)
	admin, err := r.debug.Tokens.Verify(t.Context(), r.admin(t))
	require.NoError(t, err)
	v := &vouching{caller: *admin}
	r.debug.Tokens = v
	c := call{path: "/_debug/config", token: "x"}
	r.want(t, http.StatusOK, c)
	v.caller.CSRF = "token"
	require.Equal(t, "auth.token_malformed", r.want(t, http.StatusUnauthorized, c)["code"], "it is for a cookie")
	v.caller.CSRF, v.caller.NeedsFactor = "", true
	require.Equal(t, "identity.mfa_required", r.want(t, http.StatusForbidden, c)["code"])
	v.caller.NeedsFactor, v.caller.Key = false, &auth.Key{}
	require.Equal(t, "identity.session_required", r.want(t, http.StatusForbidden, c)["code"])
}
