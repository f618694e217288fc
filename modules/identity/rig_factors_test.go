package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

const mfaPath = "/api/v1/me/mfa"

// authenticator is somebody's app, with the recovery codes that they wrote down.
type authenticator struct {
	secret string
	codes  []string
}

// code is what the app shows now. It is good whatever was used before: tests do not wait for the next half minute.
func (a authenticator) code(t *testing.T, app *testapp.App) string {
	t.Helper()
	tamper(t, app, "UPDATE identity_factors SET mark = 0")
	return a.codeAt(t, time.Now())
}

func (a authenticator) codeAt(t *testing.T, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, at)
	require.NoError(t, err)
	return code
}

// wrong is a code that the app shows neither now nor soon.
func (a authenticator) wrong(t *testing.T) string {
	t.Helper()
	near := map[string]bool{}
	for step := -4; step <= 8; step++ {
		near[a.codeAt(t, time.Now().Add(time.Duration(step)*30*time.Second))] = true
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777", "888888", "999999", "123456", "654321", "121212", "212121"} {
		if !near[code] {
			return code
		}
	}
	t.Fatal("all of them are near")
	return ""
}

func beginTOTP(token string) testapp.Call { return call("POST", mfaPath+"/totp", token, nil) }

func confirmTOTP(token, code string) testapp.Call {
	return call("POST", mfaPath+"/totp/confirm", token, fields{"code": code})
}

func removeTOTP(token string) testapp.Call { return call("DELETE", mfaPath+"/totp", token, nil) }

func renewCodes(token string) testapp.Call {
	return call("POST", mfaPath+"/recovery-codes", token, nil)
}

func finish(token, code string) testapp.Call {
	return call("POST", "/api/v1/auth/mfa", "", fields{"mfa_token": token, "code": code})
}

func stepUp(token string, body fields) testapp.Call {
	return call("POST", "/api/v1/auth/step-up", token, body)
}

// begin begins to enrol.
func begin(t *testing.T, app *testapp.App, token string) authenticator {
	t.Helper()
	var begun struct{ Secret string }
	app.Want(t, http.StatusOK, beginTOTP(token)).JSON(t, &begun)
	return authenticator{secret: begun.Secret}
}

// enrol adds an authenticator app to the account that a token is for.
func enrol(t *testing.T, app *testapp.App, token string) authenticator {
	t.Helper()
	a := begin(t, app, token)
	a.codes = recoveryCodes(t, app, confirmTOTP(token, a.codeAt(t, time.Now())))
	return a
}

func recoveryCodes(t *testing.T, app *testapp.App, c testapp.Call) []string {
	t.Helper()
	var got struct {
		Codes []string `json:"recovery_codes"`
	}
	app.Want(t, http.StatusOK, c).JSON(t, &got)
	require.Len(t, got.Codes, 10)
	return got.Codes
}

type challenge struct {
	Required bool     `json:"mfa_required"`
	Token    string   `json:"mfa_token"`
	Methods  []string `json:"mfa_methods"`
	Access   string   `json:"access_token"`
	Refresh  string   `json:"refresh_token"`
}

// challenged signs in with the password alone.
func challenged(t *testing.T, app *testapp.App, u testapp.User) challenge {
	t.Helper()
	var c challenge
	app.Want(t, http.StatusOK, login(u.Email, u.Password)).JSON(t, &c)
	require.True(t, c.Required)
	require.Empty(t, c.Access)
	require.Empty(t, c.Refresh)
	require.Len(t, c.Token, 43)
	return c
}

// aged are tokens of the session of others, whose authentication was long ago.
func aged(t *testing.T, app *testapp.App, refreshToken string) tokens {
	t.Helper()
	tamper(t, app, "UPDATE identity_sessions SET authenticated_at = '2020-01-01 00:00:00+00:00'")
	return signedIn(t, app, refresh(refreshToken))
}

// methods are the amr of an access token.
func methods(t *testing.T, token string) []string {
	t.Helper()
	var claims struct {
		Methods []string `json:"amr"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(payload, &claims))
	return claims.Methods
}
