package identity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestASecondFactorIsEnrolledUsedAndRemoved(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada := app.Register(t, "ada")
	elsewhere, _ := app.Login(t, ada.Email, ada.Password)

	var begun struct{ Secret, Qr, URI string }
	answer := app.Want(t, http.StatusOK, beginTOTP(ada.Token))
	require.Contains(t, answer.Header.Get("Cache-Control"), "no-store")
	answer.JSON(t, &begun)
	require.NoError(t, json.Unmarshal(bytes.ReplaceAll(answer.Body, []byte("otpauth_uri"), []byte("uri")), &begun))
	require.Regexp(t, `^[A-Z2-7]{32}$`, begun.Secret)
	require.Contains(t, begun.URI, "otpauth://totp/Platform:"+ada.Email)
	require.Contains(t, begun.URI, "secret="+begun.Secret)
	picture, err := base64.StdEncoding.DecodeString(begun.Qr)
	require.NoError(t, err)
	_, err = png.Decode(bytes.NewReader(picture))
	require.NoError(t, err)

	first := authenticator{secret: begun.Secret}
	second := begin(t, app, ada.Token)
	require.NotEqual(t, first.secret, second.secret, "the one before is replaced")
	require.Equal(t, "identity.code_wrong", app.Want(t, http.StatusForbidden, confirmTOTP(ada.Token, second.wrong(t))).Code(t))
	signedIn(t, app, login(ada.Email, ada.Password)) // it does not count yet
	second.codes = recoveryCodes(t, app, confirmTOTP(ada.Token, second.codeAt(t, time.Now())))
	app.Mail(t, ada.Email, "identity.mfa_added")
	require.Equal(t, "identity.mfa_enrolled", app.Want(t, http.StatusConflict, confirmTOTP(ada.Token, second.code(t, app))).Code(t))
	require.Equal(t, "identity.mfa_enrolled", app.Want(t, http.StatusConflict, beginTOTP(ada.Token)).Code(t))
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(elsewhere)).Code(t), "it was begun without")
	whoAmI(t, app, ada.Token)
	require.Equal(t, []string{"pwd", "otp", "mfa"}, methods(t, signedIn(t, app, refresh(ada.Refresh)).Access), "the session has proved it")

	c := challenged(t, app, ada)
	require.Equal(t, []string{"totp", "recovery_code"}, c.Methods)
	require.Equal(t, "auth.token_malformed", app.Want(t, http.StatusUnauthorized, me(c.Token)).Code(t), "it is no access token")
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(c.Token)).Code(t))
	code := second.code(t, app)
	got := signedIn(t, app, finish(c.Token, " "+code[:3]+" "+code[3:]))
	require.Equal(t, []string{"pwd", "otp", "mfa"}, methods(t, got.Access))
	require.Equal(t, []string{"pwd", "otp", "mfa"}, methods(t, signedIn(t, app, refresh(got.Refresh)).Access))
	require.Equal(t, "identity.mfa_token_invalid", app.Want(t, http.StatusUnauthorized, finish(c.Token, second.code(t, app))).Code(t), "good once")

	var mine struct {
		Factors []struct {
			Kind       string
			LastUsedAt *time.Time `json:"last_used_at"`
		}
		Left     int `json:"recovery_codes_left"`
		Required bool
	}
	app.Want(t, http.StatusOK, call("GET", mfaPath, got.Access, nil)).JSON(t, &mine)
	require.Len(t, mine.Factors, 1)
	require.Equal(t, "totp", mine.Factors[0].Kind)
	require.NotNil(t, mine.Factors[0].LastUsedAt)
	require.Equal(t, 10, mine.Left)
	require.False(t, mine.Required)
	export := string(app.Want(t, http.StatusOK, call("GET", "/api/v1/me/export", got.Access, nil)).Body)
	require.Contains(t, export, `"totp"`)
	require.NotContains(t, export, second.secret)

	app.Want(t, http.StatusNoContent, removeTOTP(got.Access))
	app.Mail(t, ada.Email, "identity.mfa_removed")
	require.Equal(t, "identity.mfa_not_enrolled", app.Want(t, http.StatusConflict, removeTOTP(got.Access)).Code(t))
	require.Equal(t, "identity.mfa_not_enrolled", app.Want(t, http.StatusConflict, renewCodes(got.Access)).Code(t))
	app.Want(t, http.StatusUnauthorized, me(ada.Token))
	require.Equal(t, []string{"pwd"}, methods(t, signedIn(t, app, login(ada.Email, ada.Password)).Access))
	require.Empty(t, app.Rows(t, "SELECT id FROM identity_recovery_codes"))

	for _, action := range []string{"begin", "enrol", "remove"} {
		require.NotEmpty(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.mfa."+action+"'"), action)
	}
	for _, row := range append(app.Rows(t, "SELECT * FROM audit_events"), app.Rows(t, "SELECT * FROM identity_factors")...) {
		for column, value := range row {
			require.NotContains(t, value, second.secret, column)
		}
	}
	for _, entry := range app.Log.All() {
		require.NotContains(t, entry.Message+strings.Join(values(entry.ContextMap()), " "), second.secret)
	}
}

func values(m map[string]any) (all []string) {
	for _, v := range m {
		encoded, _ := json.Marshal(v)
		all = append(all, string(encoded))
	}
	return all
}

func TestACodeIsGoodOnceHoweverManyUseItAtOnce(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: app.DatabaseURL()})
	ada := app.Register(t, "ada")
	phone := enrol(t, app, ada.Token)
	require.Equal(t, "identity.mfa_code_wrong", app.Want(t, http.StatusUnauthorized, finish(challenged(t, app, ada).Token, phone.codeAt(t, time.Now()))).Code(t),
		"the code that confirmed it was used")

	// Each of many sign-ins gives the same code, half of them on another replica.
	code := phone.code(t, app)
	calls := make([]testapp.Call, 40)
	for i := range calls {
		calls[i] = finish(challenged(t, app, ada).Token, code)
	}
	require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusUnauthorized: 39}, tally(t, calls, app, two))

	// One sign-in gives many recovery codes and one code.
	c := challenged(t, app, ada)
	for i := range calls {
		calls[i] = finish(c.Token, phone.codes[i%10])
	}
	got := tally(t, calls, app, two)
	require.Equal(t, 1, got[http.StatusOK])
	require.Len(t, app.Rows(t, "SELECT id FROM identity_sessions WHERE revoked_at IS NULL"), 3)
	require.LessOrEqual(t, len(app.Rows(t, "SELECT id FROM identity_recovery_codes WHERE used_at IS NOT NULL")), 5, "no more than a sign-in may try")

	// One sign-in gives many wrong codes.
	c = challenged(t, app, ada)
	for i := range calls {
		calls[i] = finish(c.Token, phone.wrong(t))
	}
	require.Equal(t, map[int]int{http.StatusUnauthorized: 40}, tally(t, calls, app, two))
	require.Equal(t, "5", app.Rows(t, "SELECT attempts FROM identity_sign_ins ORDER BY id DESC LIMIT 1")[0]["attempts"])
}

// tally sends all calls at once, by turns to each of the platforms, and counts the statuses.
func tally(t *testing.T, calls []testapp.Call, apps ...*testapp.App) map[int]int {
	t.Helper()
	answers := make(chan int)
	for i, c := range calls {
		go func() { answers <- apps[i%len(apps)].Do(t, c).Status }()
	}
	counts := map[int]int{}
	for range calls {
		counts[<-answers]++
	}
	return counts
}

func TestASignInHasFiveAttemptsAndFiveMinutes(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada, eve := app.Register(t, "ada"), app.Register(t, "eve")
	phone, other := enrol(t, app, ada.Token), enrol(t, app, eve.Token)

	c := challenged(t, app, ada)
	for _, wrong := range []string{phone.wrong(t), other.code(t, app), "nonsense", other.codes[0], "۱۲۳۴۵۶"} {
		require.Equal(t, "identity.mfa_code_wrong", app.Want(t, http.StatusUnauthorized, finish(c.Token, wrong)).Code(t), wrong)
	}
	require.Equal(t, "identity.mfa_token_invalid", app.Want(t, http.StatusUnauthorized, finish(c.Token, phone.code(t, app))).Code(t))
	app.Mail(t, ada.Email, "identity.mfa_failed")
	require.Equal(t, "identity.mfa_token_invalid", app.Want(t, http.StatusUnauthorized, finish("never issued", phone.code(t, app))).Code(t))

	c = challenged(t, app, ada)
	expires := app.Rows(t, "SELECT expires_at, created_at FROM identity_sign_ins ORDER BY id DESC LIMIT 1")[0]
	require.NotEqual(t, expires["created_at"], expires["expires_at"])
	tamper(t, app, "UPDATE identity_sign_ins SET expires_at = '2020-01-01 00:00:00+00:00'")
	require.Equal(t, "identity.mfa_token_invalid", app.Want(t, http.StatusUnauthorized, finish(c.Token, phone.code(t, app))).Code(t))
}

func TestManySignInsGiveNoMoreGuesses(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.lockout.free_failures=5", "auth.lockout.first=30s"}})
	ada := app.Register(t, "ada")
	phone := enrol(t, app, ada.Token)
	for range 6 {
		app.Want(t, http.StatusUnauthorized, finish(challenged(t, app, ada).Token, phone.wrong(t)))
	}
	c := challenged(t, app, ada)
	locked := app.Want(t, http.StatusTooManyRequests, finish(c.Token, phone.code(t, app)))
	require.Equal(t, "identity.locked", locked.Code(t), "the code is not looked at")
	require.Equal(t, "identity.locked", app.Want(t, http.StatusTooManyRequests, stepUp(ada.Token, fields{"code": phone.code(t, app)})).Code(t), "wherever it is given")
	require.Equal(t, "0", app.Rows(t, "SELECT attempts FROM identity_sign_ins ORDER BY id DESC LIMIT 1")[0]["attempts"])
	tamper(t, app, "DELETE FROM identity_lockouts")
	signedIn(t, app, finish(c.Token, phone.code(t, app)))
}

func TestARecoveryCodeStandsInOnce(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada := app.Register(t, "ada")
	phone := enrol(t, app, ada.Token)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(phone.codes))), 10)
	for _, code := range phone.codes {
		require.Regexp(t, `^[A-Z2-7]{5}-[A-Z2-7]{5}$`, code)
	}
	typed := strings.ToLower(strings.ReplaceAll(phone.codes[3], "-", " "))
	got := signedIn(t, app, finish(challenged(t, app, ada).Token, typed))
	require.Contains(t, app.Mail(t, ada.Email, "identity.recovery_code_used").Text, "There are 9 left.")
	require.Equal(t, "identity.mfa_code_wrong", app.Want(t, http.StatusUnauthorized, finish(challenged(t, app, ada).Token, phone.codes[3])).Code(t))

	renewed := recoveryCodes(t, app, renewCodes(got.Access))
	app.Mail(t, ada.Email, "identity.recovery_codes_renewed")
	require.Equal(t, "identity.mfa_code_wrong", app.Want(t, http.StatusUnauthorized, finish(challenged(t, app, ada).Token, phone.codes[4])).Code(t), "void")
	signedIn(t, app, finish(challenged(t, app, ada).Token, renewed[4]))
}
