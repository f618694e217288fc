package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// No query string is an internal error, whatever it says.
func FuzzQuery(f *testing.F) {
	app := testapp.New(f, modules.All())
	user := app.Register(f, "ada")
	for _, seed := range []string{
		"", "limit=1", "limit=%2B1", "limit=007", "limit=-0", "limit=1_0", "cursor=AQ", "status=draft,published", "status[]=draft", "author={}",
		"from=2026-01-01T00:00:00Z", "from=0000-01-01T00:00:00Z", "to=9999-12-31T23:59:60Z", "from=2026-01-01t00:00:00z",
		"to=2026-01-01T00:00:00%2B99:99", "from=2026-01-01T00:00:00.1234567891234Z", "permission=a,b", "target=%00", "request_id=%ff", "%", ";", "&&==", "a[b]=c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, "#") {
			t.Skip("not a part of the query")
		}
		for _, path := range []string{"/api/v1/blog/posts", "/api/v1/audit/events", "/api/v1/me", "/healthz"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery = query
			r.Header.Set("Authorization", "Bearer "+user.Token)
			answer := app.Send(t, r)
			require.Less(t, answer.Status, 500, "%s?%s: %s", path, query, answer.Body)
		}
	})
}

// No path is an internal error either, and what comes after the last known folder decides nothing.
func FuzzPath(f *testing.F) {
	app := testapp.New(f, modules.All())
	user := app.Register(f, "ada")
	for _, seed := range []string{"", "x", "%00", "..", "../../x", "\xff", "01890000-0000-7000-8000-000000000000", "a b", "日本"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		for _, prefix := range []string{"/api/v1/blog/posts/", "/docs/assets/", "/"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL = &url.URL{Path: prefix + rest}
			r.Header.Set("Authorization", "Bearer "+user.Token)
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			require.Less(t, w.Code, 500, "%q: %s", rest, w.Body)
		}
	})
}

// No body of any kind is an internal error, neither where one is asked for nor where none is.
func FuzzBody(f *testing.F) {
	app := testapp.New(f, modules.All())
	user := app.Register(f, "ada")
	for _, seed := range []string{
		``, `{}`, `{"title":"x"}`, `{"email":"a","password":"b"}`, `{"refresh_token":"\u0000"}`, `{"title":"\ud800","slug":"a-b"}`, `{"email":"a@b","password":"longenough","name":"x","tenant_name":"y"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{
			"/api/v1/blog/posts", "/api/v1/blog/posts/01890000-0000-7000-8000-000000000000/publish", "/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/auth/refresh",
		} {
			answer := app.Do(t, testapp.Call{Method: "POST", Path: path, Token: user.Token, Body: body})
			require.Less(t, answer.Status, 500, "%s: %s", path, answer.Body)
		}
	})
}
