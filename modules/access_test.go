package modules_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

func TestNobodyPassesWithoutAToken(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	before := app.Dump(t)
	closed := 0
	for _, op := range app.Server.Routes() {
		if op.Access == contract.Public {
			continue
		}
		closed++
		answer := app.Want(t, http.StatusUnauthorized, testapp.Valid(t, op.Operation, ""))
		require.Equal(t, `Bearer realm="platform"`, answer.Header.Get("WWW-Authenticate"), "%s %s", op.Method, op.Path)
		require.Equal(t, "auth.required", answer.Code(t), "%s %s", op.Method, op.Path)

		answer = app.Want(t, http.StatusUnauthorized, testapp.Valid(t, op.Operation, "not.a.token"))
		require.Equal(t, `Bearer realm="platform", error="invalid_token"`, answer.Header.Get("WWW-Authenticate"), "%s %s", op.Method, op.Path)
	}
	require.NotZero(t, closed)
	require.Equal(t, before, app.Dump(t))
}

func TestNobodyPassesWithoutThePermission(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "roleless")
	require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
	before := app.Dump(t)
	refused := 0
	for _, op := range app.Server.Routes() {
		if op.Access != contract.Permitted {
			continue
		}
		refused++
		call := testapp.Valid(t, op.Operation, user.Token)
		call.Header["X-Request-ID"] = uuid.NewString()
		answer := app.Want(t, http.StatusForbidden, call)
		require.Equal(t, "authz.denied", answer.Code(t), "%s %s", op.Method, op.Path)

		trail := app.Rows(t, "SELECT permission, outcome, actor, tenant_id FROM audit_events WHERE request_id = '"+call.Header["X-Request-ID"]+"'")
		if !op.Mutates() {
			require.Empty(t, trail, "%s %s", op.Method, op.Path)
			continue
		}
		require.Equal(t, []map[string]string{{
			"permission": string(op.Permission), "outcome": "denied", "actor": user.ID.String(), "tenant_id": user.TenantID.String(),
		}}, trail, "%s %s", op.Method, op.Path)
	}
	require.NotZero(t, refused)
	require.Equal(t, before, app.Dump(t))
}

// A permission counts by itself: whoever holds every other one is still refused.
func TestEveryPermissionOpensItsOwnOperationsOnly(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "viewer")
	require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, authz.Owner))
	require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, authz.Viewer))
	held, err := app.Grants.Permissions(t.Context(), user.TenantID, user.ID)
	require.NoError(t, err)
	for _, op := range app.Server.Routes() {
		if op.Access != contract.Permitted {
			continue
		}
		if op.ResourceCheck && conditional(app, op.Permission, authz.Viewer) {
			continue // it depends on the resource
		}
		answer := app.Do(t, testapp.Valid(t, op.Operation, user.Token))
		holds := false
		for _, p := range held {
			holds = holds || p == op.Permission
		}
		require.Equal(t, !holds, answer.Status == http.StatusForbidden, "%s %s: %d", op.Method, op.Path, answer.Status)
	}
}

func conditional(app *testapp.App, p perm.Permission, role string) bool {
	for _, d := range app.Catalog.Permissions() {
		if d.Name == p {
			return slices.ContainsFunc(d.Conditional, func(h perm.Holder) bool { return h.Role == role })
		}
	}
	return false
}

// A key opens what it lists and nothing else: not what everybody who has signed in can do, and nothing by the roles of
// whoever made it.
func TestNoKeyPassesWithoutThePermission(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "owner")
	made := func(kind string) string {
		var made struct{ Key string }
		app.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/api-keys", Token: user.Token, Body: map[string]any{
			"name": "narrow", "kind": kind, "permissions": []string{"blog.post.publish"},
		}}).JSON(t, &made)
		return made.Key
	}
	keys := map[string]string{"tenant": made("tenant"), "personal": made("personal")}
	before := app.Dump(t)
	refused := 0
	for _, op := range app.Server.Routes() {
		if op.Access == contract.Public && !op.Optional || op.Permission == "blog.post.publish" || op.ID == "currentAPIKey" {
			continue
		}
		for kind, key := range keys {
			want := "authz.denied"
			if op.Keys == contract.NoKeys || op.Keys == contract.PersonalKeys && kind == "tenant" {
				want = "identity.session_required"
			}
			call := testapp.Valid(t, op.Operation, "")
			call.Header["X-API-Key"] = key
			require.Equal(t, want, app.Want(t, http.StatusForbidden, call).Code(t), "%s %s by a %s key", op.Method, op.Path, kind)
			refused++
		}
		if op.Access != contract.Permitted {
			require.Equal(t, contract.NoKeys, op.Keys, "%s %s needs no permission: a key must not get there", op.Method, op.Path)
		}
	}
	require.NotZero(t, refused)
	require.Equal(t, before, app.Dump(t))
}
