package audit_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

const posts = "/api/v1/blog/posts"

// fields are the JSON of a request.
type fields = map[string]any

type event struct {
	ID         uuid.UUID
	Time       time.Time
	Actor      *uuid.UUID
	Permission string
	Target     string
	Outcome    string
	IP         string
	RequestID  string `json:"request_id"`
}

type events struct {
	Items      []event
	NextCursor *string `json:"next_cursor"`
}

func (e events) permissions() []string {
	names := []string{}
	for _, one := range e.Items {
		names = append(names, one.Permission)
	}
	return names
}

func trail(t *testing.T, app *testapp.App, token, query string) events {
	t.Helper()
	var got events
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/events" + query, Token: token}).JSON(t, &got)
	return got
}

// create writes a post under a request id of its own and returns its path.
func create(t *testing.T, app *testapp.App, token, request string) string {
	t.Helper()
	return app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: posts, Token: token, Body: fields{"title": "x"}, Header: map[string]string{"X-Request-ID": request},
	}).Header.Get("Location")
}

func TestAMutatingRequestLeavesOneEvent(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	began := time.Now().Add(-time.Second)
	path := create(t, app, user.Token, "r-create")
	for _, call := range []testapp.Call{
		{Method: "PATCH", Path: path, Body: fields{"title": "y"}, Header: map[string]string{"If-Match": "*", "X-Request-ID": "r-update"}},
		{Method: "POST", Path: path + "/publish", Header: map[string]string{"X-Request-ID": "r-publish"}},
		{Method: "DELETE", Path: path, Header: map[string]string{"X-Request-ID": "r-delete"}},
	} {
		call.Token = user.Token
		require.Less(t, app.Do(t, call).Status, 300)
	}
	for request, want := range map[string]event{
		"r-create":  {Permission: "blog.post.create", Target: path},
		"r-update":  {Permission: "blog.post.update", Target: path},
		"r-publish": {Permission: "blog.post.publish", Target: path + "/publish"},
		"r-delete":  {Permission: "blog.post.delete", Target: path},
	} {
		got := trail(t, app, user.Token, "?request_id="+request)
		require.Len(t, got.Items, 1, request)
		e := got.Items[0]
		require.WithinRange(t, e.Time, began, time.Now())
		want.ID, want.Time = e.ID, e.Time
		want.Actor, want.Outcome, want.IP, want.RequestID = &user.ID, "succeeded", "192.0.2.1", request
		require.Equal(t, want, e)
	}
	// Newest first; reading leaves nothing.
	require.Equal(t, []string{
		"blog.post.delete", "blog.post.publish", "blog.post.update", "blog.post.create", "identity.session.login", "identity.user.register",
	}, trail(t, app, user.Token, "").permissions())
}

func TestAFailedRequestLeavesAFailedEventOnly(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	path := create(t, app, user.Token, "r-first")
	for request, call := range map[string]testapp.Call{
		"r-conflict": {Method: "POST", Path: posts, Body: fields{"title": "y", "slug": "x"}},
		"r-stale":    {Method: "PATCH", Path: path, Body: fields{"title": "y"}, Header: map[string]string{"If-Match": `"7"`}},
		"r-absent":   {Method: "DELETE", Path: posts + "/" + uuid.NewString()},
		"r-invalid":  {Method: "POST", Path: posts, Body: fields{"title": 7}},
		"r-broken":   {Method: "POST", Path: posts, Body: "{"},
	} {
		call.Token = user.Token
		if call.Header == nil {
			call.Header = map[string]string{}
		}
		call.Header["X-Request-ID"] = request
		require.GreaterOrEqual(t, app.Do(t, call).Status, 400, request)
		got := trail(t, app, user.Token, "?request_id="+request)
		require.Len(t, got.Items, 1, request)
		require.Equal(t, "failed", got.Items[0].Outcome, request)
		require.Equal(t, user.ID, *got.Items[0].Actor, request)
		require.Equal(t, call.Path, got.Items[0].Target, request)
	}
	require.Len(t, trail(t, app, user.Token, "?outcome=failed").Items, 5)
	require.Len(t, trail(t, app, user.Token, "?permission=blog.post.create&outcome=succeeded").Items, 1)
}

func TestADeniedRequestLeavesADeniedEvent(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
	app.Want(t, http.StatusForbidden, testapp.Call{Method: "POST", Path: posts, Token: user.Token, Body: fields{"title": "x"}})
	require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.Owner))
	got := trail(t, app, user.Token, "?outcome=denied")
	require.Equal(t, []string{"blog.post.create"}, got.permissions())
	require.Equal(t, user.ID, *got.Items[0].Actor)
}

// Anybody could fill the trail otherwise: who is not signed in is in the log only.
func TestStrangersLeaveNoEvent(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	before := app.Rows(t, "SELECT id FROM audit_events")
	app.Want(t, http.StatusUnauthorized, testapp.Call{Method: "POST", Path: posts, Body: fields{"title": "x"}})
	app.Want(t, http.StatusUnauthorized, testapp.Call{Method: "POST", Path: posts, Token: "x", Body: fields{"title": "x"}})
	app.Want(t, http.StatusNotFound, testapp.Call{Method: "POST", Path: "/nowhere"})
	require.Equal(t, before, app.Rows(t, "SELECT id FROM audit_events"))
}

func TestSignInsAreInTheTrail(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.refresh_grace=0s"}})
	user := app.Register(t, "ada")
	app.Want(t, http.StatusUnauthorized, testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: fields{"email": user.Email, "password": "wrong"}})
	second, refresh := app.Login(t, user.Email, user.Password)
	trade := testapp.Call{Method: "POST", Path: "/api/v1/auth/refresh", Body: fields{"refresh_token": refresh}}
	app.Want(t, http.StatusOK, trade)
	app.Want(t, http.StatusUnauthorized, trade)
	third, _ := app.Login(t, user.Email, user.Password)
	app.Want(t, http.StatusNoContent, testapp.Call{Method: "POST", Path: "/api/v1/auth/logout", Token: third})
	app.Want(t, http.StatusUnauthorized, testapp.Call{Path: posts, Token: second})

	var got [][2]string
	for _, e := range trail(t, app, user.Token, "").Items {
		got = append(got, [2]string{e.Permission, e.Outcome})
	}
	require.Equal(t, [][2]string{
		{"identity.logout", "succeeded"},
		{"identity.session.login", "succeeded"},
		{"identity.session.refresh_reused", "denied"},
		{"identity.session.refresh", "succeeded"},
		{"identity.session.login", "succeeded"},
		{"identity.session.login", "failed"},
		{"identity.session.login", "succeeded"},
		{"identity.user.register", "succeeded"},
	}, got)
}

func TestFiltersNarrowTheTrail(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	path := create(t, app, user.Token, "r-1")
	create(t, app, user.Token, "r-2")
	at := url.QueryEscape(trail(t, app, user.Token, "?request_id=r-1").Items[0].Time.Format(time.RFC3339Nano))
	for query, want := range map[string]int{
		"?permission=blog.post.create":                       2,
		"?permission=blog.post":                              0, // filters are exact
		"?target=" + path:                                    1,
		"?actor=" + user.ID.String():                         4,
		"?actor=" + uuid.NewString():                         0,
		"?outcome=succeeded&permission=blog.post.create":     2,
		"?from=" + at:                                        2,
		"?from=" + at + "&to=" + at:                          0,
		"?to=" + at + "&permission=blog.post.create":         0,
		"?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z": 0,
		"?request_id=r-2&outcome=failed":                     0,
	} {
		require.Len(t, trail(t, app, user.Token, query).Items, want, query)
	}
	for _, query := range []string{"?outcome=maybe", "?actor=me", "?from=yesterday", "?limit=0", "?permission="} {
		answer := app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: "/api/v1/audit/events" + query, Token: user.Token})
		require.Equal(t, "request.invalid", answer.Code(t), query)
	}
	require.Equal(t, "request.cursor_invalid",
		app.Want(t, http.StatusBadRequest, testapp.Call{Path: "/api/v1/audit/events?cursor=x", Token: user.Token}).Code(t))
}

func TestCursorsWalkTheTrailToItsEnd(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	for range 5 {
		create(t, app, user.Token, "r")
	}
	want := trail(t, app, user.Token, "").Items
	require.Len(t, want, 7)
	var got []event
	for cursor := new(string); cursor != nil; {
		page := trail(t, app, user.Token, "?limit=3"+*cursor)
		got = append(got, page.Items...)
		if cursor = page.NextCursor; cursor != nil {
			*cursor = "&cursor=" + *cursor
			create(t, app, user.Token, "r-later") // does not shift the pages that follow
		}
	}
	require.Equal(t, want, got)
}

func TestTheTrailIsTheTenantsOwn(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	path := create(t, app, user.Token, "r-ada")
	require.Empty(t, trail(t, app, other.Token, "?request_id=r-ada").Items)
	require.Empty(t, trail(t, app, other.Token, "?actor="+user.ID.String()).Items)
	require.Equal(t, []string{"identity.session.login", "identity.user.register"}, trail(t, app, other.Token, "").permissions())

	// An attempt on somebody else's post is in the trail of who made it.
	app.Want(t, http.StatusNotFound, testapp.Call{Method: "DELETE", Path: path, Token: other.Token})
	require.Len(t, trail(t, app, other.Token, "?target="+path).Items, 1)
	require.Len(t, trail(t, app, user.Token, "?target="+path).Items, 1)
}

func TestAViewerDoesNotReadTheTrail(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
	for role, status := range map[string]int{authz.Viewer: http.StatusForbidden, authz.Member: http.StatusForbidden, authz.Admin: http.StatusOK} {
		require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, role))
		app.Want(t, status, testapp.Call{Path: "/api/v1/audit/events", Token: user.Token})
		require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, role))
	}
}
