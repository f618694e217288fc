package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestWhoeverHasLostTheirAppSignsInAgain(t *testing.T) {
	t.Parallel()
	set := []string{"security.key_file=" + filepath.Join(t.TempDir(), "encryption.key"), "notify.dir=" + filepath.Join(t.TempDir(), "mail")}
	app := testapp.New(t, modules.All(), testapp.Options{Set: set})
	ada := app.Register(t, "ada")
	reset := "mfa reset --email " + ada.Email + " --environment test --set database.url=" + app.DatabaseURL() + " --set " + set[0] + " --set " + set[1]
	_, code := run(t, reset)
	require.Equal(t, cli.Failed, code, "there is nothing to remove")
	_, code = run(t, "mfa reset")
	require.Equal(t, cli.Usage, code)

	var begun struct{ Secret string }
	path := "/api/v1/me/mfa/totp"
	app.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: path, Token: ada.Token}).JSON(t, &begun)
	shown, err := totp.GenerateCode(begun.Secret, time.Now())
	require.NoError(t, err)
	app.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: path + "/confirm", Token: ada.Token, Body: map[string]any{"code": shown}})

	text, code := run(t, reset)
	require.Equal(t, cli.OK, code, text)
	token, _ := app.Login(t, ada.Email, ada.Password)
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: token})
	app.Mail(t, ada.Email, "identity.mfa_removed")
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.mfa.reset'"), 1)
}
