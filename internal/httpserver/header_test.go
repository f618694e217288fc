package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	for name, c := range map[string]struct {
		sent []string
		kept bool
	}{
		"one character":            {[]string{"a"}, true},
		"every kind of character":  {[]string{"AZaz09._-"}, true},
		"a UUID":                   {[]string{uuid.NewString()}, true},
		"128 characters":           {[]string{strings.Repeat("x", 128)}, true},
		"129 characters":           {[]string{strings.Repeat("x", 129)}, false},
		"a page of characters":     {[]string{strings.Repeat("x", 10_000)}, false},
		"nothing":                  {[]string{""}, false},
		"a space":                  {[]string{"a b"}, false},
		"a space at the end":       {[]string{"ab "}, false},
		"a line break":             {[]string{"a\nb"}, false},
		"a line break and a field": {[]string{"a\r\nSet-Cookie: x"}, false},
		"NUL":                      {[]string{"a\x00"}, false},
		"a quote":                  {[]string{`a"b`}, false},
		"a tag":                    {[]string{"<script>"}, false},
		"a slash":                  {[]string{"a/b"}, false},
		"other letters":            {[]string{"ünï"}, false},
		"broken UTF-8":             {[]string{"\xff"}, false},
		"two of them":              {[]string{"a", "b"}, false},
		"none":                     {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/nowhere", nil)
			if c.sent != nil {
				r.Header["X-Request-Id"] = c.sent
			}
			answer := app.Send(t, r)
			got := answer.Header["X-Request-Id"]
			require.Len(t, got, 1)
			require.Equal(t, got[0], problemOf(t, answer).RequestID)
			if c.kept {
				require.Equal(t, c.sent[0], got[0])
				return
			}
			require.NotContains(t, c.sent, got[0])
			require.NoError(t, uuid.Validate(got[0]))
		})
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	app := probed(t, misbehaving)
	user := app.Register(t, "ada")
	calls := []testapp.Call{
		{Path: "/openapi.json"},
		{Path: "/docs"},
		{Path: "/docs/assets/swagger-ui.css"},
		{Path: "/docs/assets/none.css"},
		{Path: "/metrics"},
		{Path: "/nowhere"},
		{Method: "PUT", Path: "/api/v1/me"},
		{Path: "/api/v1/me", Token: "x"},
		{Path: "/api/v1/me", Token: user.Token, Header: map[string]string{"X-Tenant-ID": uuid.NewString()}},
		{Method: "POST", Path: "/api/v1/auth/login", Body: "{"},
		{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": user.Email, "password": user.Password}},
		{Path: "/api/v1/probe/open"}, // panics
	}
	for _, op := range app.Server.Routes() {
		calls = append(calls, testapp.Valid(t, op.Operation, user.Token), testapp.Valid(t, op.Operation, ""))
	}
	for _, call := range calls {
		header := app.Do(t, call).Header
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), call.Path)
		require.Equal(t, "DENY", header.Get("X-Frame-Options"), call.Path)
		require.Equal(t, "no-referrer", header.Get("Referrer-Policy"), call.Path)
		require.Equal(t, "same-origin", header.Get("Cross-Origin-Resource-Policy"), call.Path)
		require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", call.Path)
		require.NotContains(t, header, "Server", call.Path)
		require.NotContains(t, header, "X-Powered-By", call.Path)
		if strings.HasPrefix(call.Path, "/api/") {
			require.Equal(t, "no-store", header.Get("Cache-Control"), call.Path)
		}
	}
}

func TestTwoTokensAreNone(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	r := httptest.NewRequest(http.MethodGet, "/api/v1/me", http.NoBody)
	r.Header["Authorization"] = []string{"Bearer " + user.Token, "Bearer " + user.Token}
	answer := app.Send(t, r)
	require.Equal(t, http.StatusUnauthorized, answer.Status)
	require.Equal(t, "auth.token_malformed", answer.Code(t))
}

func TestALongPathIsNotRepeated(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	answer := app.Want(t, http.StatusNotFound, testapp.Call{Path: "/" + strings.Repeat("a", 100_000)})
	require.Less(t, len(answer.Body), 1_000)
	for _, line := range app.Log.FilterMessage("request").All() {
		require.Less(t, len(line.ContextMap()["path"].(string)), 1_000)
	}
}
