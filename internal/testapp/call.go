package testapp

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
)

// Call is one request.
type Call struct {
	Method string // GET when empty
	Path   string
	Token  string // sent as a bearer token when not empty
	Body   any    // a string is sent as it is, url.Values as a form, anything else as JSON; nil sends none
	Header map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request through the whole server and holds the answer against the contract: every answer that a test sees
// is one that the contract allows.
func (a *App) Do(t testing.TB, c Call) Answer {
	t.Helper()
	method := c.Method
	if method == "" {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, c.Path, body(t, c.Body))
	if _, form := c.Body.(url.Values); form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if c.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for name, value := range c.Header {
		r.Header.Set(name, value)
	}
	return a.Send(t, r)
}

// Send is Do for a request that no Call can say.
func (a *App) Send(t testing.TB, r *http.Request) Answer {
	t.Helper()
	w := httptest.NewRecorder()
	a.Server.ServeHTTP(w, r)
	answer := Answer{Status: w.Code, Header: w.Result().Header, Body: w.Body.Bytes()}
	a.Conforms(t, r.Method, r.URL.Path, answer)
	return answer
}

// Want is Do that requires a status.
func (a *App) Want(t testing.TB, status int, c Call) Answer {
	t.Helper()
	answer := a.Do(t, c)
	require.Equal(t, status, answer.Status, "%s %s: %s", c.Method, c.Path, answer.Body)
	return answer
}

func body(t testing.TB, b any) io.Reader {
	t.Helper()
	switch b := b.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(b)
	case url.Values:
		return strings.NewReader(b.Encode())
	}
	encoded, err := json.Marshal(b)
	require.NoError(t, err)
	return strings.NewReader(string(encoded))
}

// oauthToken answers errors in a form of its own, which its contract states.
const oauthToken = "/oauth/token"

// Conforms requires that the contract allows the answer.
func (a *App) Conforms(t testing.TB, method, path string, answer Answer) {
	t.Helper()
	require.NotEmpty(t, answer.Header.Get("X-Request-Id"), "%s %s", method, path)
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.Status >= 400 && answer.Status != http.StatusServiceUnavailable && path != oauthToken {
		require.Equal(t, "application/problem+json", media, "%s %s: %d %s", method, path, answer.Status, answer.Body)
	}
	if method == http.MethodHead {
		return
	}
	if err := a.bundle.Check(method, path, answer.Status, media, answer.Body); err != nil {
		require.NoError(t, err, "%s %s: %d %s", method, path, answer.Status, answer.Body)
	}
}

// Most platforms of a process serve the same contracts, and reading them takes longer than many a test.
var bundles sync.Map // what was served → func() (*contract.Bundled, error)

func (a *App) readBundle(t testing.TB) *contract.Bundled {
	t.Helper()
	w := httptest.NewRecorder()
	a.Server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	served := w.Body.Bytes()
	read, _ := bundles.LoadOrStore(string(served), sync.OnceValues(func() (*contract.Bundled, error) { return contract.ReadBundle(served) }))
	b, err := read.(func() (*contract.Bundled, error))()
	require.NoError(t, err)
	return b
}

// JSON decodes the answer.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.Body, into), "%s", a.Body)
}

// Code is the code of the problem that came back.
func (a Answer) Code(t testing.TB) string {
	t.Helper()
	var p struct{ Code string }
	a.JSON(t, &p)
	return p.Code
}

// User is somebody with a tenant of their own.
type User struct {
	ID       uuid.UUID
	TenantID uuid.UUID
	Email    string
	Password string
	Token    string
	Refresh  string
}

// Register makes a user, who owns a new tenant, and signs in.
func (a *App) Register(t testing.TB, name string) User {
	t.Helper()
	u := User{Email: fmt.Sprintf("%s-%s@example.com", name, uuid.NewString()[:8]), Password: "a long enough password"}
	var created struct {
		User   struct{ ID uuid.UUID }
		Tenant struct{ ID uuid.UUID }
	}
	a.Want(t, http.StatusCreated, Call{Method: "POST", Path: "/api/v1/auth/register", Body: map[string]any{
		"email": u.Email, "password": u.Password, "name": name, "tenant_name": name + " Ltd",
	}}).JSON(t, &created)
	u.ID, u.TenantID = created.User.ID, created.Tenant.ID
	u.Token, u.Refresh = a.Login(t, u.Email, u.Password)
	return u
}

// Login signs in.
func (a *App) Login(t testing.TB, email, password string) (token, refresh string) {
	t.Helper()
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	a.Want(t, http.StatusOK, Call{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": email, "password": password}}).JSON(t, &tokens)
	a.issued.add(password, tokens.Access, tokens.Refresh)
	return tokens.Access, tokens.Refresh
}
