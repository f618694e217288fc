package modules_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// untagged are writes of single resources that take no If-Match, with the reason.
var untagged = map[string]string{
	"DELETE /api/v1/me":            "it ends an account, whatever has changed about it, and asks for the password",
	"DELETE /api/v1/ops/jobs/{id}": "what it may do depends on the state, which workers change all the time",
}

// alone are resources of which everybody has one, so that their path names none.
var alone = map[string]bool{
	"/api/v1/settings": true, "/api/v1/me": true, "/api/v1/me/notification-preferences": true,
	"/api/v1/ops/tenants/{id}/limits": true, "/api/v1/ops/tenants/{id}/policies": true,
}

// What can be read by itself has a tag, and what changes or deletes it takes the tag. Resources that cannot be read by
// themselves, such as sessions, members and invitations, show no tag that one could send.
func TestEverySingleResourceHasATagThatItsWritesTake(t *testing.T) {
	t.Parallel()
	routes := testapp.New(t, modules.All()).Server.Routes()
	readable := map[string]bool{}
	for _, r := range routes {
		if single := strings.HasSuffix(r.Path, "}") || alone[r.Path]; r.Method == http.MethodGet && single {
			readable[r.Path] = true
			require.Contains(t, r.Spec.Responses.Value("200").Value.Headers, "ETag", "%s %s", r.Method, r.Path)
		}
	}
	require.GreaterOrEqual(t, len(readable), 9+len(alone))
	spared := 0
	for _, r := range routes {
		if !r.Mutates() || !readable[r.Path] {
			continue
		}
		if untagged[r.Method+" "+r.Path] != "" {
			spared++
			continue
		}
		takes := false
		for _, p := range r.Parameters {
			takes = takes || p.In == openapi3.ParameterInHeader && p.Name == "If-Match"
		}
		require.True(t, takes, "%s %s takes no If-Match", r.Method, r.Path)
		if ok := r.Spec.Responses.Value("200"); ok != nil {
			require.Contains(t, ok.Value.Headers, "ETag", "%s %s", r.Method, r.Path)
		}
	}
	require.Equal(t, len(untagged), spared, "an exception that is none any more")
}

// tagged is a resource that a test has made, and how to change it into the nth of several different things.
type tagged struct {
	path, method string
	change       func(n int) map[string]any
	kept         bool // deleting it leaves it readable, or ends the session
}

func taggedResources(t *testing.T, app *testapp.App, u testapp.User) map[string]tagged {
	t.Helper()
	made := func(path string, body map[string]any) string {
		var one struct{ ID string }
		app.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: path, Token: u.Token, Body: body}).JSON(t, &one)
		return path + "/" + one.ID
	}
	field := func(name string) func(int) map[string]any {
		return func(n int) map[string]any { return map[string]any{name: fmt.Sprintf("changed %d", n)} }
	}
	return map[string]tagged{
		"post":   {made("/api/v1/blog/posts", map[string]any{"title": "One"}), "PATCH", field("title"), false},
		"role":   {made("/api/v1/roles", map[string]any{"name": "editor", "permissions": []string{"blog.*"}}), "PATCH", field("description"), false},
		"key":    {made("/api/v1/api-keys", map[string]any{"name": "One", "permissions": []string{"blog.post.read"}}), "PATCH", field("name"), false},
		"tenant": {"/api/v1/tenants/" + u.TenantID.String(), "PATCH", field("name"), true},
		"provider": {made("/api/v1/identity-providers", map[string]any{
			"name": "Acme", "issuer": "https://login.example.com", "client_id": "x", "client_secret": "y",
		}), "PATCH", field("name"), false},
		"settings": {"/api/v1/settings", "PATCH", func(n int) map[string]any {
			zone := fmt.Sprintf("Etc/GMT+%d", n+1)
			if n > 11 {
				zone = fmt.Sprintf("Etc/GMT-%d", n-11)
			}
			return map[string]any{"scope": "tenant", "values": map[string]any{"identity.time_zone": zone}}
		}, true},
		"preferences": {"/api/v1/me/notification-preferences", "PATCH", func(n int) map[string]any {
			return map[string]any{"quiet_hours": map[string]any{"from": fmt.Sprintf("%02d:00", n), "until": "23:30"}}
		}, true},
		"template": {"/api/v1/notification-templates/blog.post_published/en", "PUT", func(n int) map[string]any {
			return map[string]any{"subject": fmt.Sprintf("Join us, %d", n), "text": "Come in."}
		}, true},
	}
}

func TestOfSeveralWritesWithOneTagOneWins(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "owner")
	for name, res := range taggedResources(t, app, owner) {
		get := testapp.Call{Path: res.path, Token: owner.Token}
		write := func(tag string, n int) testapp.Answer {
			c := testapp.Call{Method: res.method, Path: res.path, Token: owner.Token, Body: res.change(n)}
			if tag != "" {
				c.Header = map[string]string{"If-Match": tag}
			}
			return app.Do(t, c)
		}
		for round := range 3 { // the first of a template replaces what has no row
			tag := app.Want(t, http.StatusOK, get).Header.Get("ETag")
			require.Regexp(t, `^"[^"]+"$`, tag, name)
			const writers = 6
			answers := make([]testapp.Answer, writers)
			var wg sync.WaitGroup
			for n := range writers {
				wg.Go(func() { answers[n] = write(tag, round*writers+n+round) })
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				if a.Status == http.StatusOK {
					won++
					require.Equal(t, app.Want(t, http.StatusOK, get).Header.Get("ETag"), a.Header.Get("ETag"), name)
					continue
				}
				require.Equal(t, http.StatusPreconditionFailed, a.Status, "%s: %s", name, a.Body)
			}
			require.Equal(t, 1, won, "%s, round %d", name, round)
		}
	}
}

func TestIfMatchIsHeldAgainstTheTag(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "owner")
	for name, res := range taggedResources(t, app, owner) {
		get := testapp.Call{Path: res.path, Token: owner.Token}
		now := func() string { return app.Want(t, http.StatusOK, get).Header.Get("ETag") }
		n := 0
		patch := func(status int, header string) {
			n++
			answer := app.Do(t, testapp.Call{Method: res.method, Path: res.path, Token: owner.Token, Body: res.change(n), Header: map[string]string{"If-Match": header}})
			require.Equal(t, status, answer.Status, "%s with %s: %s", name, header, answer.Body)
		}
		stale := now()
		patch(http.StatusOK, stale)
		require.NotEqual(t, stale, now(), name)
		patch(http.StatusPreconditionFailed, stale)
		patch(http.StatusPreconditionFailed, "W/"+now())
		patch(http.StatusPreconditionFailed, strings.Trim(now(), `"`))
		patch(http.StatusOK, stale+", "+now())
		patch(http.StatusOK, "*")

		answer := app.Want(t, http.StatusNotModified, testapp.Call{Path: res.path, Token: owner.Token, Header: map[string]string{"If-None-Match": now()}})
		require.Empty(t, answer.Body, name)
		if res.kept {
			continue
		}
		remove := testapp.Call{Method: "DELETE", Path: res.path, Token: owner.Token, Header: map[string]string{"If-Match": stale}}
		app.Want(t, http.StatusPreconditionFailed, remove)
		remove.Header["If-Match"] = now()
		app.Want(t, http.StatusNoContent, remove)
		app.Want(t, http.StatusNotFound, get)
	}
	// These go another way when they are deleted.
	template := testapp.Call{Method: "DELETE", Path: "/api/v1/notification-templates/blog.post_published/en", Token: owner.Token, Header: map[string]string{"If-Match": `"x"`}}
	require.Equal(t, "notify.template_changed", app.Want(t, http.StatusPreconditionFailed, template).Code(t))
	template.Header["If-Match"] = app.Want(t, http.StatusOK, testapp.Call{Path: template.Path, Token: owner.Token}).Header.Get("ETag")
	app.Want(t, http.StatusNoContent, template)
	tenant := testapp.Call{Method: "DELETE", Path: "/api/v1/tenants/" + owner.TenantID.String(), Token: owner.Token, Header: map[string]string{"If-Match": `"0"`}}
	require.Equal(t, "identity.tenant_changed", app.Want(t, http.StatusPreconditionFailed, tenant).Code(t))
	app.Want(t, http.StatusNotFound, testapp.Call{Method: "DELETE", Path: "/api/v1/blog/posts/" + uuid.NewString(), Token: owner.Token, Header: map[string]string{"If-Match": "*"}})
}
