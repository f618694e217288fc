package modules_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestAModuleThatIsSwitchedOffIsGone(t *testing.T) {
	t.Parallel()
	whole := testapp.New(t, modules.All())
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"modules.disabled=blog"}, Database: whole.DatabaseURL()})
	user := app.Register(t, "ada")

	gone := 0
	for _, op := range whole.Server.Routes() {
		if op.Module != "blog" {
			continue
		}
		gone++
		call := testapp.Valid(t, op.Operation, user.Token)
		require.Equal(t, "request.route_unknown", app.Want(t, http.StatusNotFound, call).Code(t))
		call.Token = ""
		require.Equal(t, "request.route_unknown", app.Want(t, http.StatusNotFound, call).Code(t))
	}
	require.NotZero(t, gone)
	for _, op := range app.Server.Routes() {
		require.NotEqual(t, "blog", op.Module)
	}

	permissions := func(app *testapp.App) []string {
		var me struct{ Permissions []string }
		app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: user.Token}).JSON(t, &me)
		return me.Permissions
	}
	require.NotEmpty(t, permissions(app))
	require.NotContains(t, strings.Join(permissions(app), " "), "blog.")
	bundle := string(app.Want(t, http.StatusOK, testapp.Call{Path: "/openapi.json"}).Body)
	for _, trace := range []string{"/api/v1/blog", "BlogPost", `["blog"]`, `"x-permission":"blog.`} {
		require.False(t, strings.Contains(bundle, trace), trace)
		require.True(t, strings.Contains(string(whole.Do(t, testapp.Call{Path: "/openapi.json"}).Body), trace), trace)
	}

	// Switched on again, with everything as it was.
	require.Contains(t, permissions(whole), "blog.post.create")
	whole.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: map[string]any{"title": "x"}})
	app.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/blog/posts/" + uuid.NewString(), Token: user.Token})
}
