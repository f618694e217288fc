package modules_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/settings"
)

// vault is a module that has a secret setting.
type vault struct{}

func (vault) Name() string      { return "vault" }
func (vault) Migrations() fs.FS { return nil }
func (vault) Manifest() []byte {
	return []byte("name: vault\nversion: 1.0.0\ndescription: Keeps a secret.\n")
}

func (vault) Init() fx.Option {
	return module.Settings(settings.Hidden("vault.key", "The key of the vault.", settings.ForTenants("")))
}

// tour is a walk through everything that has to do with secrets, with a note of each.
type tour struct {
	*testapp.App
	secrets map[string]string // what it is → what must not be in a log
}

func (w *tour) post(t *testing.T, status int, path, token string, body map[string]any) (got map[string]any) {
	t.Helper()
	c := testapp.Call{Method: "POST", Path: path, Token: token}
	if body != nil {
		c.Body = body
	}
	return w.send(t, status, c)
}

// send notes every secret of the answer, its cookies too.
func (w *tour) send(t *testing.T, status int, c testapp.Call) (got map[string]any) {
	t.Helper()
	answer := w.Want(t, status, c)
	if len(answer.Body) > 0 {
		answer.JSON(t, &got)
	}
	for _, name := range []string{"access_token", "refresh_token", "mfa_token", "key", "secret", "qr", "csrf_token"} {
		w.note(c.Path+" "+name, got[name])
	}
	for i, cookie := range (&http.Response{Header: answer.Header}).Cookies() {
		w.note(fmt.Sprint(c.Path, " cookie ", i), cookie.Value)
	}
	return got
}

func (w *tour) note(what string, secret any) string {
	s, _ := secret.(string)
	if len(s) >= 8 { // a shorter one may be anywhere
		w.secrets[what] = s
	}
	return s
}

func TestNoSecretReachesTheLogOrATrace(t *testing.T) {
	t.Parallel()
	w := &tour{secrets: map[string]string{"the administrator's password": testapp.AdminPassword}}
	traces := testapp.NewCollector(t)
	w.App = testapp.New(t, append(modules.All(), vault{}), testapp.Options{Set: append(traces.Settings(),
		"log.level=debug", "database.slow_query=1ns", "database.slow_query_lines=1000000000", "identity.mail_interval=0s",
		"http.access_log.slow=1ns",
	)})
	w.walk(t)

	require.Greater(t, len(w.secrets), 25, "%v", w.secrets)
	require.Greater(t, w.Log.FilterMessage("request").Len(), 20)
	require.Greater(t, w.Log.FilterMessage("slow statement").Len(), 100)
	require.Greater(t, w.Log.FilterMessage("slow statement").FilterField(zap.String("verb", "commit")).Len(), 10)
	require.Eventually(t, func() bool { // the last of the many is there
		return slices.ContainsFunc(traces.Spans(), func(s testapp.Span) bool { return s.Name == "POST /api/v1/me/password" })
	}, 2*time.Minute, 10*time.Millisecond)
	require.Greater(t, len(traces.Spans()), 200)
	all := written(t, w.Log.All()) // not before: what is logged meanwhile counts too
	spans := traces.Raw()
	require.True(t, strings.Contains(spans, "INSERT INTO"))
	require.False(t, strings.Contains(spans, "@example.com"), "a span has an address")
	for what, secret := range w.secrets {
		quoted, err := json.Marshal(secret)
		require.NoError(t, err)
		for _, form := range []string{secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if at := strings.Index(all, form); at >= 0 {
				t.Errorf("the log has %s: %s", what, lineAt(all, at))
			}
			if strings.Contains(spans, form) {
				t.Errorf("a span has %s", what)
			}
		}
	}
	for _, line := range []string{"Bearer ", "Basic ", "authorization"} {
		if at := strings.Index(all, line); at >= 0 {
			t.Errorf("the log has a header: %s", lineAt(all, at))
		}
	}
}

func (w *tour) walk(t *testing.T) {
	t.Helper()
	const renewed, changed = "a renewed and long password", "a changed and long password"
	ada := w.Register(t, "ada")
	w.note("the password", ada.Password)
	w.note("the password after the reset", renewed)
	w.note("the password after the change", changed)
	w.note("the first access token", ada.Token)
	w.note("the first refresh token", ada.Refresh)
	w.post(t, http.StatusNoContent, "/api/v1/auth/email/verify", "", map[string]any{
		"token": w.note("the verification", w.Mail(t, ada.Email, "identity.verify_email").Token(t)),
	})
	w.post(t, http.StatusOK, "/api/v1/auth/refresh", "", map[string]any{"refresh_token": ada.Refresh})
	w.post(t, http.StatusUnauthorized, "/api/v1/auth/login", "", map[string]any{"email": ada.Email, "password": w.note("a wrong password", "a wrong guess at it")})
	w.post(t, http.StatusOK, "/api/v1/auth/login", "", map[string]any{"email": ada.Email, "password": ada.Password, "transport": "cookie"})

	w.keys(t, ada)
	w.post(t, http.StatusCreated, "/api/v1/invitations", ada.Token, map[string]any{"email": "bob@example.com", "roles": []string{"member"}})
	invitation := w.note("the invitation", w.Mail(t, "bob@example.com", "identity.invitation").Token(t))
	w.post(t, http.StatusOK, "/api/v1/invitations/accept", "", map[string]any{
		"token": invitation, "name": "Bob", "password": w.note("the invited one's password", "the long password of bob"),
	})
	w.send(t, http.StatusOK, testapp.Call{Method: "PATCH", Path: "/api/v1/settings", Token: ada.Token, Body: map[string]any{
		"scope": "tenant", "values": map[string]any{"vault.key": w.note("the secret setting", "what-the-vault-keeps")},
	}})
	w.send(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Token: w.note("a forged token", "eyJhbGciOiJub25lIn0.forged.token")})
	w.send(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Header: map[string]string{"Authorization": "Bearer " + w.note("a token that is none", "not-a-token-at-all")}})

	w.send(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me?access_token=" + w.note("a token in the address", "a-token-in-the-address")})
	w.federation(t, ada)

	w.post(t, http.StatusAccepted, "/api/v1/auth/password/forgot", "", map[string]any{"email": ada.Email})
	w.post(t, http.StatusNoContent, "/api/v1/auth/password/reset", "", map[string]any{
		"token": w.note("the reset", w.Mail(t, ada.Email, "identity.reset_password").Token(t)), "password": renewed,
	})
	token := w.post(t, http.StatusOK, "/api/v1/auth/login", "", map[string]any{"email": ada.Email, "password": renewed})["access_token"].(string)
	w.factor(t, ada.Email, renewed, changed, token)
}

func (w *tour) keys(t *testing.T, ada testapp.User) {
	t.Helper()
	made := w.post(t, http.StatusCreated, "/api/v1/api-keys", ada.Token, map[string]any{"name": "robot", "permissions": []string{"blog.post.read"}})
	id, key := made["id"].(string), made["key"].(string)
	w.send(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts", Header: map[string]string{"X-API-Key": key}})
	w.send(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/blog/posts", Header: map[string]string{"X-API-Key": key + "x"}})
	basic := w.note("the header of the key", base64.StdEncoding.EncodeToString([]byte(id+":"+key)))
	w.send(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/oauth/token", Body: url.Values{"grant_type": {"client_credentials"}}, Header: map[string]string{"Authorization": "Basic " + basic},
	})
}

func (w *tour) federation(t *testing.T, ada testapp.User) {
	t.Helper()
	made := w.post(t, http.StatusCreated, "/api/v1/identity-providers", ada.Token, map[string]any{
		"name": "corp", "issuer": "https://login.example.com", "client_id": "web", "client_secret": w.note("the client's secret", "what-the-provider-knows"),
	})
	back := "/api/v1/auth/oidc/" + made["id"].(string) + "/callback?state=" + w.note("a state", "a-state-that-is-none") + "&code=" + w.note("a code", "the-code-of-the-provider")
	w.Do(t, testapp.Call{Path: back, Header: map[string]string{"Cookie": "platform_sign_in=" + w.note("a cookie that was sent", "a-cookie-that-was-sent")}})
	w.post(t, http.StatusUnauthorized, "/api/v1/auth/oidc/exchange", "", map[string]any{"code": w.note("an exchange code", "an-exchange-code-that-is-none")})
}

func (w *tour) factor(t *testing.T, email, password, changed, token string) {
	t.Helper()
	secret := w.post(t, http.StatusOK, "/api/v1/me/mfa/totp", token, nil)["secret"].(string)
	code, err := totp.GenerateCode(secret, time.Now())
	require.NoError(t, err)
	codes := w.post(t, http.StatusOK, "/api/v1/me/mfa/totp/confirm", token, map[string]any{"code": code})["recovery_codes"].([]any)
	for i, one := range codes {
		w.note(fmt.Sprint("recovery code ", i), one)
	}
	challenge := w.post(t, http.StatusOK, "/api/v1/auth/login", "", map[string]any{"email": email, "password": password})
	token = w.post(t, http.StatusOK, "/api/v1/auth/mfa", "", map[string]any{"mfa_token": challenge["mfa_token"], "code": codes[0]})["access_token"].(string)
	w.post(t, http.StatusUnauthorized, "/api/v1/auth/mfa", "", map[string]any{"mfa_token": challenge["mfa_token"], "code": codes[1]})
	w.post(t, http.StatusNoContent, "/api/v1/me/password", token, map[string]any{"current_password": password, "new_password": changed})
}

// written is what a log would write of the lines.
func written(t *testing.T, lines []observer.LoggedEntry) string {
	t.Helper()
	var all strings.Builder
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	for _, line := range lines {
		text, err := encoder.EncodeEntry(line.Entry, line.Context)
		require.NoError(t, err)
		all.Write(text.Bytes())
	}
	return all.String()
}

// lineAt is the line of a text around a place.
func lineAt(text string, at int) string {
	line, _, _ := strings.Cut(text[strings.LastIndexByte(text[:at], '\n')+1:], "\n")
	return line
}
