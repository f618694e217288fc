package modules_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// A cookie comes along by itself, also with what another page makes the browser send.
func TestNothingIsChangedWithACookieAlone(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "browser")
	answer := app.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{
		"email": u.Email, "password": u.Password, "transport": "cookie",
	}})
	cookies := (&http.Response{Header: answer.Header}).Cookies()
	require.Len(t, cookies, 2)
	before := app.Dump(t)
	refused := 0
	for _, op := range app.Server.Routes() {
		if op.Access == contract.Public || !op.Mutates() {
			continue
		}
		refused++
		call := testapp.Valid(t, op.Operation, "")
		call.Header["Cookie"] = cookies[0].Name + "=" + cookies[0].Value + "; " + cookies[1].Name + "=" + cookies[1].Value
		require.Equal(t, "auth.csrf", app.Want(t, http.StatusForbidden, call).Code(t), "%s %s", op.Method, op.Path)
	}
	require.NotZero(t, refused)
	require.Equal(t, before, app.Dump(t))
}
