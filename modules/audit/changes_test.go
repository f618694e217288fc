package audit_test

import (
	"context"
	"net/http"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

type change struct {
	Entity, ID, Action string
	Fields             map[string]struct{ Before, After any }
}

func changes(t *testing.T, app *testapp.App, token, request string) []change {
	t.Helper()
	var got struct{ Items []struct{ Changes []change } }
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/events?request_id=" + request, Token: token}).JSON(t, &got)
	require.Len(t, got.Items, 1)
	return got.Items[0].Changes
}

func TestTheEventOfARequestShowsWhatItChanged(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	at := create(t, app, user.Token, "r-create")
	call := func(method, path, request string, body any) {
		app.Want(t, map[string]int{"DELETE": 204}[method]+map[bool]int{true: 200}[method != "DELETE"], testapp.Call{
			Method: method, Path: path, Token: user.Token, Body: body, Header: map[string]string{"If-Match": "*", "X-Request-ID": request},
		})
	}
	call("PATCH", at, "r-update", fields{"title": "new"})
	call("PATCH", at, "r-same", fields{"title": "new"})
	call("POST", at+"/publish", "r-publish", nil)
	call("DELETE", at, "r-delete", nil)

	created := changes(t, app, user.Token, "r-create")
	require.Len(t, created, 1)
	require.Equal(t, [3]string{"blog.post", path.Base(at), "created"}, [3]string{created[0].Entity, created[0].ID, created[0].Action})
	require.Equal(t, struct{ Before, After any }{nil, "x"}, created[0].Fields["title"])
	require.NotContains(t, created[0].Fields, "published_at")
	require.NotContains(t, created[0].Fields, "tenant_id")

	updated := changes(t, app, user.Token, "r-update")
	require.Len(t, updated, 1)
	require.Equal(t, "updated", updated[0].Action)
	require.Equal(t, struct{ Before, After any }{"x", "new"}, updated[0].Fields["title"])
	require.Equal(t, struct{ Before, After any }{1.0, 2.0}, updated[0].Fields["version"])
	require.NotContains(t, updated[0].Fields, "slug", "only what differs")

	published := changes(t, app, user.Token, "r-publish")
	require.Equal(t, struct{ Before, After any }{"draft", "published"}, published[0].Fields["status"])
	require.NotNil(t, published[0].Fields["published_at"].After)

	deleted := changes(t, app, user.Token, "r-delete")
	require.Equal(t, "deleted", deleted[0].Action)
	require.Equal(t, struct{ Before, After any }{"new", nil}, deleted[0].Fields["title"])

	// What fails changes nothing, and says so.
	app.Want(t, http.StatusNotFound, testapp.Call{Method: "DELETE", Path: at, Token: user.Token, Header: map[string]string{"X-Request-ID": "r-gone"}})
	require.Empty(t, changes(t, app, user.Token, "r-gone"))
}

func TestAnExportIsWhole(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	create(t, app, user.Token, "r-1")
	create(t, app, other.Token, "r-2")
	for format, media := range map[string]string{"": "application/x-ndjson", "?format=ndjson": "application/x-ndjson", "?format=csv": "text/csv"} {
		answer := app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/export" + format, Token: user.Token})
		require.Equal(t, media, answer.Header.Get("Content-Type"))
		require.Contains(t, answer.Header.Get("Content-Disposition"), "attachment")
		require.Contains(t, string(answer.Body), "r-1")
		require.Contains(t, string(answer.Body), "audit.event.export", "the export itself is on record")
		require.NotContains(t, string(answer.Body), "r-2")
	}
	app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: "/api/v1/audit/export?format=xlsx", Token: user.Token})
	require.NoError(t, app.Grants.Unassign(context.Background(), user.TenantID, user.ID, "owner"))
	require.NoError(t, app.Grants.Assign(context.Background(), user.TenantID, user.ID, "member"))
	app.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/audit/export", Token: user.Token})
}
