package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestContentTypes(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	for name, c := range map[string]struct {
		contentType string
		status      int
	}{
		"JSON":                    {"application/json", 401},
		"JSON in another case":    {"Application/JSON", 401},
		"JSON in UTF-8":           {"application/json; charset=utf-8", 401},
		"JSON in UTF-8, shouting": {`application/json; charset="UTF-8"`, 401},
		"none":                    {"", 415},
		"text":                    {"text/plain", 415},
		"a form":                  {"application/x-www-form-urlencoded", 415},
		"XML":                     {"application/xml", 415},
		"a cousin of JSON":        {"application/problem+json", 415},
		"a prefix of JSON":        {"application/jso", 415},
		"JSON in Latin-1":         {"application/json; charset=iso-8859-1", 415},
		"JSON in UTF-16":          {"application/json; charset=utf-16", 415},
		"nonsense":                {";;;", 415},
		"anything":                {"*/*", 415},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/api/v1/auth/login", strings.NewReader(`{"email":"ada@example.com","password":"x"}`))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			answer := app.Send(t, r)
			require.Equal(t, c.status, answer.Status, "%s", answer.Body)
			if c.status == http.StatusUnsupportedMediaType {
				require.Equal(t, "request.media_type", answer.Code(t))
				requireDiscreet(t, answer)
			}
		})
	}
}

func TestAnOperationWithoutABody(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	path := app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: map[string]any{"title": "x"},
	}).Header.Get("Location")
	for name, c := range map[string]struct {
		body, contentType string
		chunked           bool
		status            int
	}{
		"accepts none":                             {"", "", false, 200},
		"accepts none of any type":                 {"", "text/plain", false, 200},
		"accepts none of a broken type":            {"", ";;;", false, 200},
		"accepts none in chunks":                   {"", "application/json", true, 200},
		"refuses an empty object":                  {"{}", "application/json", false, 422},
		"refuses a space":                          {" ", "text/plain", false, 422},
		"refuses a body of unknown length":         {"x", "", true, 422},
		"refuses what does not even have a type":   {"x", "", false, 422},
		"refuses a body that cannot be understood": {"\xff", "application/json", false, 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, path+"/publish", strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer "+user.Token)
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			if c.chunked {
				r.ContentLength = -1
			}
			answer := app.Send(t, r)
			require.Equal(t, c.status, answer.Status, "%s", answer.Body)
			if c.status != http.StatusOK {
				require.Equal(t, "request.body_unexpected", answer.Code(t))
			}
		})
	}
}

func TestACompressedBodyIsRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	for encoding, status := range map[string]int{"gzip": 415, "br": 415, "identity": 401} {
		answer := app.Do(t, testapp.Call{
			Method: "POST", Path: "/api/v1/auth/login", Body: `{"email":"ada@example.com","password":"x"}`,
			Header: map[string]string{"Content-Encoding": encoding},
		})
		require.Equal(t, status, answer.Status, encoding)
	}
}

func TestAnOperationCanTakeLessThanTheServer(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	long := `{"email":"` + strings.Repeat("a", 20_000) + `","password":"x"}`
	answer := app.Want(t, http.StatusRequestEntityTooLarge, testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: long})
	require.Equal(t, "request.too_large", answer.Code(t))

	r := httptest.NewRequest(http.MethodPost, "/api/v1/auth/login", strings.NewReader(long))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	require.Equal(t, http.StatusRequestEntityTooLarge, app.Send(t, r).Status, "in chunks, without an announcement")
}
