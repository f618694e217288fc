package modules_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
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
		answer := app.Do(t, testapp.Valid(t, op.Operation, user.Token))
		holds := false
		for _, p := range held {
			holds = holds || p == op.Permission
		}
		require.Equal(t, !holds, answer.Status == http.StatusForbidden, "%s %s: %d", op.Method, op.Path, answer.Status)
	}
}
