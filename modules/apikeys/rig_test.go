package apikeys_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const path = "/api/v1/api-keys"

type fields = map[string]any

type key struct {
	ID, Name, Kind, Prefix, Key string
	Permissions                 []string
	AllowedIPs                  []string `json:"allowed_ips"`
	UserID                      *string  `json:"user_id"`
	ExpiresAt                   *string  `json:"expires_at"`
	LastUsedAt                  *string  `json:"last_used_at"`
	LastUsedIP                  *string  `json:"last_used_ip"`
	Secrets                     []struct {
		Prefix    string
		ExpiresAt *string `json:"expires_at"`
	}
}

type rig struct {
	*testapp.App
	owner testapp.User
}

func newRig(t *testing.T, options ...testapp.Options) *rig {
	t.Helper()
	app := testapp.New(t, modules.All(), options...)
	return &rig{App: app, owner: app.Register(t, "owner")}
}

func (r *rig) make(t *testing.T, token string, body fields) (k key) {
	t.Helper()
	if body["name"] == nil {
		body["name"] = "robot"
	}
	r.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: path, Token: token, Body: body}).JSON(t, &k)
	return k
}

// posts lists posts with a key, from an address.
func (r *rig) posts(t *testing.T, k, ip string) testapp.Answer {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/api/v1/blog/posts", http.NoBody)
	request.RemoteAddr = ip + ":4711"
	request.Header.Set("X-API-Key", k)
	return r.Send(t, request)
}

func (r *rig) refused(t *testing.T, k string, status int, code string) {
	t.Helper()
	answer := r.posts(t, k, "192.0.2.1")
	require.Equal(t, status, answer.Status, "%s", answer.Body)
	require.Equal(t, code, answer.Code(t))
}

var reader = []string{"blog.post.read"}
