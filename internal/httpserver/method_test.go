package httpserver_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	for _, path := range []string{
		"/", "/nowhere", "/api", "/api/v1", "/api/v2/me", "/api/v1/me/", "/api/v1//me", "//api/v1/me", "/API/V1/ME", "/api/v1/blog/posts/",
		"/api/v1/blog/posts/" + uuid.NewString() + "/publish/now", "/metrics/", "/docs/", "/docs/assets/", "/docs/assets/index.html",
		"/docs/assets/../../etc/passwd", "/docs/assets/%2e%2e/docs.html", "/.env", "/debug/pprof/", "/%00", "/%ff", "/a%0d%0aSet-Cookie:x",
	} {
		for _, token := range []string{"", user.Token} {
			answer := app.Want(t, http.StatusNotFound, testapp.Call{Path: path, Token: token})
			require.Equal(t, "request.route_unknown", answer.Code(t), path)
			requireDiscreet(t, answer)
		}
	}
}

func TestTheWrongMethod(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	post := "/api/v1/blog/posts/" + uuid.NewString()
	for _, c := range []struct {
		method, path string
		allow        []string
	}{
		{"PUT", "/api/v1/blog/posts", []string{"GET", "HEAD", "POST"}},
		{"DELETE", "/api/v1/blog/posts", []string{"GET", "HEAD", "POST"}},
		{"POST", post, []string{"DELETE", "GET", "HEAD", "PATCH"}},
		{"OPTIONS", post, []string{"DELETE", "GET", "HEAD", "PATCH"}},
		{"GET", post + "/publish", []string{"POST"}},
		{"HEAD", post + "/publish", []string{"POST"}},
		{"GET", "/api/v1/auth/login", []string{"POST"}},
		{"POST", "/api/v1/me", []string{"DELETE", "GET", "HEAD"}},
		{"POST", "/healthz", []string{"GET", "HEAD"}},
		{"POST", "/metrics", []string{"GET", "HEAD"}},
		{"DELETE", "/docs", []string{"GET", "HEAD"}},
		{"TRACE", "/openapi.json", []string{"GET", "HEAD"}},
		{"BREW", "/api/v1/me", []string{"DELETE", "GET", "HEAD"}},
	} {
		answer := app.Want(t, http.StatusMethodNotAllowed, testapp.Call{Method: c.method, Path: c.path})
		require.Equal(t, "request.method_not_allowed", answer.Code(t))
		allow := strings.Split(answer.Header.Get("Allow"), ", ")
		slices.Sort(allow)
		require.Equal(t, c.allow, allow, "%s %s", c.method, c.path)
	}
}

// HEAD works wherever GET does and says the same, without a body. Only a socket shows it.
func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	post := app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: map[string]any{"title": "x"},
	}).Header.Get("Location")
	paths := []string{post, "/openapi.json", "/docs", "/docs/assets/docs.js", "/docs/assets/swagger-ui.css", "/metrics", "/nowhere"}
	for _, op := range app.Server.Routes() {
		if op.Method == http.MethodGet {
			paths = append(paths, testapp.Valid(t, op.Operation, "").Path)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}} // asks for gzip with GET only otherwise
	t.Cleanup(client.CloseIdleConnections)
	ask := func(method, path, token string) (int, http.Header, []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, app.URL+path, nil)
		require.NoError(t, err)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		for _, changing := range []string{"Date", "X-Request-Id", "Content-Length", "Ratelimit"} {
			response.Header.Del(changing)
		}
		return response.StatusCode, response.Header, body
	}
	for _, path := range paths {
		for _, token := range []string{user.Token, ""} {
			status, header, body := ask(http.MethodGet, path, token)
			headStatus, headHeader, headBody := ask(http.MethodHead, path, token)
			require.Equal(t, status, headStatus, path)
			require.Equal(t, header, headHeader, path)
			require.NotEmpty(t, body, path)
			require.Empty(t, headBody, path)
		}
	}
}
