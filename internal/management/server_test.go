package management_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// managed starts a platform with a management listener.
func managed(t *testing.T, set ...string) (*testapp.App, *management.Server) {
	t.Helper()
	var s *management.Server
	app := testapp.New(t, modules.All(), testapp.Options{
		Set: append([]string{"http.management_addr=127.0.0.1:0"}, set...), Extra: []fx.Option{fx.Populate(&s)},
	})
	return app, s
}

func ask(s *management.Server, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	return w
}

func TestMetricsAndHealthAreAside(t *testing.T) {
	t.Parallel()
	app, s := managed(t, "health.cache=1h")
	app.Want(t, http.StatusNotFound, testapp.Call{Path: "/metrics"})
	for _, path := range []string{"/healthz", "/ready"} {
		public := app.Want(t, http.StatusOK, testapp.Call{Path: path})
		aside := ask(s, "GET", path)
		require.Equal(t, http.StatusOK, aside.Code)
		var a, b map[string]any
		require.NoError(t, json.Unmarshal(public.Body, &a))
		require.NoError(t, json.Unmarshal(aside.Body.Bytes(), &b))
		require.Equal(t, a, b, "both listeners say the same")
	}
	metrics := ask(s, "GET", "/metrics").Body.String()
	require.Contains(t, metrics, "platform_http_requests_total")
	require.Contains(t, metrics, "platform_config_last_reload_successful 1")

	response, err := http.Get(s.URL() + "/ready")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestNothingElseIsAside(t *testing.T) {
	t.Parallel()
	_, s := managed(t)
	for _, path := range []string{"/", "/docs", "/api/v1/me", "/metrics/x", "/openapi.json", "/.env", "/debug/vars"} {
		answer := ask(s, "GET", path)
		require.Equal(t, http.StatusNotFound, answer.Code, path)
		require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
		require.Contains(t, answer.Body.String(), `"code":"request.route_unknown"`)
		require.NotEmpty(t, answer.Header().Get("X-Request-Id"))
	}
	answer := ask(s, "DELETE", "/ready")
	require.Equal(t, http.StatusMethodNotAllowed, answer.Code)
	require.Equal(t, "GET, HEAD", answer.Header().Get("Allow"))
	long := ask(s, "GET", "/"+strings.Repeat("x", 10_000))
	require.Less(t, long.Body.Len(), 1000)
}

func TestWithoutAnAddressMetricsArePublic(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	app.Want(t, http.StatusOK, testapp.Call{Path: "/metrics"})
	for _, path := range []string{"/_debug", "/_debug/config", "/debug/pprof/", "/debug/pprof/heap"} {
		app.Want(t, http.StatusNotFound, testapp.Call{Path: path})
	}
}
