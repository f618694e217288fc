package httpserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// internals are words of what the platform is made of; no client may read them.
var internals = []string{
	".go:", "goroutine", "openapi3", "Go struct", "Go value", "json:", "strconv", "sqlite", "SQLSTATE", "/work", "github.com", "EOF", "schema",
}

func requireDiscreet(t testing.TB, answer testapp.Answer) {
	t.Helper()
	for _, word := range internals {
		require.NotContains(t, string(answer.Body), word)
	}
}

func TestABodyThatIsNoGood(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"http.max_body_bytes=1000000"}})
	user := app.Register(t, "ada")
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		fields []string
	}{
		"no JSON":                {"title=x", 400, "request.body_malformed", nil},
		"JSON that is cut off":   {`{"title": "x`, 400, "request.body_malformed", nil},
		"an object left open":    {`{"title": "x"`, 400, "request.body_malformed", nil},
		"a trailing comma":       {`{"title": "x",}`, 400, "request.body_malformed", nil},
		"a second value":         {`{"title": "x"} {}`, 400, "request.body_malformed", nil},
		"trailing nonsense":      {`{"title": "x"}]`, 400, "request.body_malformed", nil},
		"white space only":       {" \n ", 400, "request.body_malformed", nil},
		"a comment":              {`{"title": "x"} // no`, 400, "request.body_malformed", nil},
		"a byte order mark":      {"\ufeff{}", 400, "request.body_malformed", nil},
		"a raw control byte":     {"{\"title\": \"a\x01b\"}", 400, "request.body_malformed", nil},
		"nothing":                {"", 400, "request.body_missing", nil},
		"a raw invalid byte":     {"{\"title\": \"a\xffb\"}", 400, "request.encoding", nil},
		"a truncated rune":       {"{\"title\": \"a\xe2\x82\"}", 400, "request.encoding", nil},
		"a surrogate in UTF-8":   {"{\"title\": \"\xed\xa0\x80\"}", 400, "request.encoding", nil},
		"arrays without end":     {strings.Repeat("[", 100_000), 400, "request.body_malformed", nil},
		"objects without end":    {strings.Repeat(`{"a":`, 100_000), 400, "request.body_malformed", nil},
		"100 closed levels":      {strings.Repeat("[", 100) + strings.Repeat("]", 100), 400, "request.body_malformed", nil},
		"half a surrogate pair":  {`{"title": "\ud800"}`, 400, "request.encoding", nil},
		"the other half":         {`{"title": "\udc00x"}`, 400, "request.encoding", nil},
		"two first halves":       {`{"title": "\ud83d\ud83d"}`, 400, "request.encoding", nil},
		"a field given twice":    {`{"title": "a", "title": "b"}`, 422, "request.invalid", []string{"title: repeated"}},
		"more values than any":   {`{"title": [` + strings.Repeat("1,", 60_000) + `1]}`, 413, "request.too_large", nil},
		"NUL in a value":         {`{"title": "a\u0000b"}`, 422, "request.invalid", []string{"title: nul"}},
		"NUL in a name":          {`{"title": "x", "a\u0000b": 1}`, 422, "request.invalid", []string{": nul"}},
		"another type":           {`{"title": 7}`, 422, "request.invalid", []string{"title: type"}},
		"null":                   {`null`, 422, "request.invalid", []string{": null"}},
		"null for a field":       {`{"title": null}`, 422, "request.invalid", []string{"title: null"}},
		"an array":               {`[{"title": "x"}]`, 422, "request.invalid", []string{": type"}},
		"a string":               {`"title"`, 422, "request.invalid", []string{": type"}},
		"a missing field":        {`{"content": "x"}`, 422, "request.invalid", []string{"title: required"}},
		"an unknown field":       {`{"title": "x", "titel": "y"}`, 422, "request.invalid", []string{"titel: unknown"}},
		"several unknown fields": {`{"title": "x", "b": 1, "a": 2}`, 422, "request.invalid", []string{"a: unknown", "b: unknown"}},
		"another case":           {`{"Title": "x"}`, 422, "request.invalid", []string{"Title: unknown", "title: required"}},
		"a field of the answer":  {`{"title": "x", "author_id": "01890000-0000-7000-8000-000000000000"}`, 422, "request.invalid", []string{"author_id: unknown"}},
		"a name with controls":   {`{"title": "x", "a\r\nb": 1}`, 422, "request.invalid", []string{"a??b: unknown"}},
		"a name without end":     {`{"title": "x", "` + strings.Repeat("n", 500_000) + `": 1}`, 422, "request.invalid", []string{strings.Repeat("n", 64) + "…: unknown"}},
		"all faults at once":     {`{"title": "", "slug": "A b", "content": []}`, 422, "request.invalid", []string{"content: type", "slug: pattern", "title: required"}},
		"a body that is too big": {`{"title": "` + strings.Repeat("x", 1_000_000) + `"}`, 413, "request.too_large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := app.Want(t, c.status, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: c.body})
			p := problemOf(t, answer)
			require.Equal(t, c.code, p.Code)
			require.Equal(t, "urn:problem:"+c.code, p.Type)
			require.Equal(t, c.status, p.Status)
			require.Equal(t, answer.Header.Get("X-Request-ID"), p.RequestID)
			if c.fields != nil {
				require.Equal(t, c.fields, p.fields())
			}
			requireDiscreet(t, answer)
		})
	}
}

func TestWhatTheClientSentIsNotSentBack(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	for _, body := range []string{
		`{"email": "ada@example.com", "password": ["hunter2"]}`,
		`{"email": ["hunter2"], "password": "x"}`,
		`{"email": "ada@example.com", "password": "hunter2", "x": "hunter2"}`,
		`{"email": "ada@example.com", "password": "hunter2`,
		`"hunter2"`,
	} {
		answer := app.Do(t, testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: body})
		require.GreaterOrEqual(t, answer.Status, 400)
		require.NotContains(t, string(answer.Body), "hunter2")
	}
	for _, line := range app.Log.All() {
		require.NotContains(t, line.Message, "hunter2")
		for _, field := range line.Context {
			require.NotContains(t, field.String, "hunter2")
			if err, ok := field.Interface.(error); ok {
				require.NotContains(t, err.Error(), "hunter2")
			}
		}
	}
}

// An answer names so many faults and no more, and costs no more than the body that it answers.
func TestABodyFullOfFaultsIsAnsweredBriefly(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	var unknown strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&unknown, `"k%d":1,`, i)
	}
	for name, body := range map[string]string{
		"unknown fields": `{` + unknown.String() + `"n":1}`,
		"wrong items":    `{"list":[` + strings.Repeat(`"",`, 40_000) + `0]}`,
	} {
		answer := app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: body})
		require.NotEmpty(t, problemOf(t, answer).Errors, name)
		require.LessOrEqual(t, len(problemOf(t, answer).Errors), 50, name)
		require.Less(t, len(answer.Body), 50_000, name)
	}
}

// unread is a body that must not be asked for.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

// endless is a body without end and without a length.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil
}

func TestABodyOverTheLimit(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"http.max_body_bytes=1000"}})
	request := func(body io.Reader, length int64) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/auth/login", body)
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = length
		return r
	}
	t.Run("is refused by its Content-Length alone", func(t *testing.T) {
		t.Parallel()
		answer := app.Send(t, request(unread{t}, 1001))
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Status)
		require.Equal(t, "request.too_large", answer.Code(t))
		require.Equal(t, "At most 1000 bytes are accepted.", problemOf(t, answer).Detail)
		require.Equal(t, "close", answer.Header.Get("Connection"))
	})
	t.Run("is cut off when it comes in chunks", func(t *testing.T) {
		t.Parallel()
		body := &endless{}
		answer := app.Send(t, request(body, -1))
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Status)
		require.Equal(t, "request.too_large", answer.Code(t))
		require.Less(t, body.read, 100_000)
	})
	t.Run("is refused where nobody listens", func(t *testing.T) {
		t.Parallel()
		r := request(unread{t}, 1001)
		r.URL.Path = "/nowhere"
		require.Equal(t, http.StatusRequestEntityTooLarge, app.Send(t, r).Status)
	})
	t.Run("is fine up to the limit", func(t *testing.T) {
		t.Parallel()
		body := `{"email":"ada@example.com","password":"x"}`
		body += strings.Repeat(" ", 1000-len(body))
		require.Equal(t, http.StatusUnauthorized, app.Send(t, request(strings.NewReader(body), 1000)).Status)
		require.Equal(t, http.StatusUnauthorized, app.Send(t, request(strings.NewReader(body), -1)).Status)
	})
	t.Run("is another thing than one that breaks off", func(t *testing.T) {
		t.Parallel()
		answer := app.Send(t, request(io.MultiReader(strings.NewReader(`{"email"`), broken{}), 100))
		require.Equal(t, http.StatusBadRequest, answer.Status)
		require.Equal(t, "request.body_incomplete", answer.Code(t))
		requireDiscreet(t, answer)
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset by 10.0.0.7") }
