package identity_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/housekeeping"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/authz"
)

func TestWhateverHoldsForASignInIsAskedAgainWithTheCode(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change string
		status int
		code   string
	}{
		"the user was disabled":       {"UPDATE identity_users SET disabled_at = created_at", http.StatusUnauthorized, "identity.mfa_token_invalid"},
		"the password was changed":    {"UPDATE identity_users SET password_hash = 'x'", http.StatusUnauthorized, "identity.mfa_token_invalid"},
		"the address is not verified": {"UPDATE identity_users SET email_verified_at = NULL", http.StatusForbidden, "identity.email_unverified"},
		"the tenant was suspended":    {"UPDATE identity_tenants SET suspended_at = created_at", http.StatusForbidden, "tenant.suspended"},
		"the tenant was deleted":      {"UPDATE identity_tenants SET erase_at = created_at", http.StatusForbidden, "identity.not_a_member"},
		"the user is no member":       {"DELETE FROM identity_memberships", http.StatusForbidden, "identity.not_a_member"},
		"the user is gone":            {"DELETE FROM identity_users", http.StatusUnauthorized, "identity.mfa_token_invalid"},
		"the factor is gone":          {"DELETE FROM identity_factors", http.StatusUnauthorized, "identity.mfa_code_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.require_verified_email=true"}})
			ada := verifiedUser(t, app)
			phone := enrol(t, app, ada.Token)
			c := challenged(t, app, ada)
			code := phone.code(t, app)
			tamper(t, app, tt.change)
			require.Equal(t, tt.code, app.Want(t, tt.status, finish(c.Token, code)).Code(t))
			require.Len(t, app.Rows(t, "SELECT id FROM identity_sign_ins WHERE used_at IS NOT NULL"), 0)
		})
	}
}

// verifiedUser registers where nobody can sign in before the address is verified.
func verifiedUser(t *testing.T, app *testapp.App) testapp.User {
	t.Helper()
	u := testapp.User{Email: "ada@example.com", Password: password}
	app.Want(t, http.StatusCreated, registration(u.Email))
	tamper(t, app, "UPDATE identity_users SET email_verified_at = created_at")
	u.Token, u.Refresh = app.Login(t, u.Email, u.Password)
	return u
}

func TestANewPasswordIsNoWayAroundTheSecondFactor(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada := app.Register(t, "ada")
	phone := enrol(t, app, ada.Token)
	before := challenged(t, app, ada)
	app.Want(t, http.StatusAccepted, call("POST", "/api/v1/auth/password/forgot", "", fields{"email": ada.Email}))
	token := app.Mail(t, ada.Email, "identity.reset_password").Token(t)
	ada.Password = "another long enough password"
	app.Want(t, http.StatusNoContent, call("POST", "/api/v1/auth/password/reset", "", fields{"token": token, "password": ada.Password}))
	require.Equal(t, "identity.mfa_token_invalid", app.Want(t, http.StatusUnauthorized, finish(before.Token, phone.code(t, app))).Code(t))
	signedIn(t, app, finish(challenged(t, app, ada).Token, phone.code(t, app)))
}

func TestOnlyTheSecondFactorCallsADeletionOff(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada := app.Register(t, "ada")
	phone := enrol(t, app, ada.Token)
	app.Want(t, http.StatusAccepted, call("DELETE", "/api/v1/me", ada.Token, fields{"password": ada.Password}))
	due := func() string {
		return app.Rows(t, "SELECT deletion_due_at FROM identity_users WHERE id = '"+ada.ID.String()+"'")[0]["deletion_due_at"]
	}
	c := challenged(t, app, ada)
	require.NotEqual(t, "<nil>", due(), "the password alone does not")
	signedIn(t, app, finish(c.Token, phone.code(t, app)))
	require.Equal(t, "<nil>", due())
}

func TestAnOperationThatNeedsARecentAuthenticationSaysSo(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	ada := app.Register(t, "ada")
	old := aged(t, app, ada.Refresh)
	for _, c := range []testapp.Call{beginTOTP(old.Access), confirmTOTP(old.Access, "123456"), removeTOTP(old.Access), renewCodes(old.Access)} {
		refused := app.Want(t, http.StatusUnauthorized, c)
		require.Equal(t, "identity.step_up_required", refused.Code(t), c.Path)
		require.Equal(t, `Bearer realm="platform", error="insufficient_user_authentication", `+
			`error_description="A more recent authentication is required", max_age=900`, refused.Header.Get("WWW-Authenticate"))
	}
	require.Equal(t, "identity.step_up_invalid", app.Want(t, http.StatusUnprocessableEntity, stepUp(old.Access, fields{"code": "123456"})).Code(t))
	require.Equal(t, "identity.password_wrong", app.Want(t, http.StatusForbidden, stepUp(old.Access, fields{"password": "wrong"})).Code(t))
	app.Want(t, http.StatusUnauthorized, beginTOTP(old.Access))

	fresh := signedIn(t, app, stepUp(old.Access, fields{"password": ada.Password}))
	require.Empty(t, fresh.Refresh)
	require.Equal(t, []string{"pwd"}, methods(t, fresh.Access))
	phone := enrol(t, app, fresh.Access)
	app.Want(t, http.StatusUnauthorized, beginTOTP(old.Access))
	whoAmI(t, app, old.Access)

	// With a second factor the password is not enough.
	old = aged(t, app, old.Refresh)
	require.Equal(t, "identity.step_up_invalid", app.Want(t, http.StatusUnprocessableEntity, stepUp(old.Access, fields{"password": ada.Password})).Code(t))
	require.Equal(t, "identity.code_wrong", app.Want(t, http.StatusForbidden, stepUp(old.Access, fields{"code": phone.wrong(t)})).Code(t))
	code := phone.code(t, app)
	fresh = signedIn(t, app, stepUp(old.Access, fields{"code": code}))
	require.Equal(t, []string{"pwd", "otp", "mfa"}, methods(t, fresh.Access))
	require.Equal(t, "identity.code_wrong", app.Want(t, http.StatusForbidden, stepUp(old.Access, fields{"code": code})).Code(t), "good once")
	fresh = signedIn(t, app, refresh(old.Refresh))
	app.Want(t, http.StatusNoContent, removeTOTP(fresh.Access))
}

func requireMFA(token, tenant string, on bool) testapp.Call {
	return call("PATCH", tenantsPath+"/"+tenant, token, fields{"require_mfa": on})
}

func TestATenantRequiresASecondFactorOfItsMembers(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: app.DatabaseURL()})
	owner, bob, admin := app.Register(t, "owner"), app.Register(t, "bob"), app.Register(t, "admin")
	tenant := owner.TenantID.String()
	join(t, app, owner, bob, authz.Member)
	join(t, app, owner, admin, authz.Admin)
	there := signedIn(t, app, switchTo(bob.Token, tenant))
	posts := func(token string) testapp.Call { return call("GET", "/api/v1/blog/posts", token, nil) }
	app.Want(t, http.StatusOK, posts(there.Access))
	two.Want(t, http.StatusOK, posts(there.Access))

	require.Equal(t, "identity.mfa_not_enrolled", app.Want(t, http.StatusConflict, requireMFA(owner.Token, tenant, true)).Code(t), "nobody locks themselves out")
	enrol(t, app, owner.Token)
	enrol(t, app, admin.Token)
	app.Want(t, http.StatusForbidden, requireMFA(signedIn(t, app, switchTo(admin.Token, tenant)).Access, tenant, true))
	var details struct {
		RequireMFA bool `json:"require_mfa"`
	}
	app.Want(t, http.StatusOK, requireMFA(owner.Token, tenant, true)).JSON(t, &details)
	require.True(t, details.RequireMFA)
	app.Want(t, http.StatusOK, posts(owner.Token))

	refused := func(token string) func() bool {
		return func() bool { return two.Do(t, posts(token)).Status == http.StatusForbidden }
	}
	testapp.WithinASecond(t, refused(there.Access))
	require.Equal(t, "identity.mfa_required", app.Want(t, http.StatusForbidden, posts(there.Access)).Code(t))
	again := signedIn(t, app, switchTo(bob.Token, tenant))
	require.Equal(t, "identity.mfa_required", app.Want(t, http.StatusForbidden, posts(again.Access)).Code(t), "a switch proves nothing")
	app.Want(t, http.StatusForbidden, call("POST", "/api/v1/blog/posts", again.Access, fields{"title": "x"}))
	app.Want(t, http.StatusForbidden, call("GET", tenantsPath+"?scope=all", again.Access, nil))
	whoAmI(t, two, there.Access)
	app.Want(t, http.StatusOK, posts(bob.Token)) // elsewhere nobody asks for it

	enrol(t, app, there.Access)
	app.Want(t, http.StatusOK, posts(there.Access))
	testapp.WithinASecond(t, func() bool { return two.Do(t, posts(there.Access)).Status == http.StatusOK }, "the same token")
	app.Want(t, http.StatusUnauthorized, me(again.Access))

	app.Want(t, http.StatusNoContent, removeTOTP(there.Access))
	testapp.WithinASecond(t, refused(there.Access), "whoever removes it has to enrol again")
	app.Want(t, http.StatusOK, requireMFA(owner.Token, tenant, false))
	testapp.WithinASecond(t, func() bool { return !refused(there.Access)() })
	for _, action := range []string{"require_mfa", "waive_mfa"} {
		require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE outcome = 'succeeded' AND permission = 'identity.tenant."+action+"'"), 1, action)
	}
}

func TestTheOperatorHelpsWhoeverHasLostTheirApp(t *testing.T) {
	t.Parallel()
	var operator identityapi.Factors
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&operator)}})
	ada := app.Register(t, "ada")
	enrol(t, app, ada.Token)
	for want, email := range map[int]string{0: "nobody@example.com", 1: ada.Email} {
		n, err := operator.Reset(t.Context(), email)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	app.Mail(t, ada.Email, "identity.mfa_removed")
	app.Want(t, http.StatusUnauthorized, me(ada.Token))
	signedIn(t, app, login(ada.Email, ada.Password))
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.mfa.reset'"), 1)
}

func TestWhatNobodyFinishedIsRemoved(t *testing.T) {
	t.Parallel()
	var keeper *housekeeping.Keeper
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&keeper)}})
	ada, bob := app.Register(t, "ada"), app.Register(t, "bob")
	phone := enrol(t, app, ada.Token)
	begin(t, app, bob.Token)
	c := challenged(t, app, ada)
	keeper.Tidy(t.Context())
	signedIn(t, app, finish(c.Token, phone.code(t, app)))
	require.Len(t, app.Rows(t, "SELECT id FROM identity_factors"), 2)

	challenged(t, app, ada)
	tamper(t, app, "UPDATE identity_sign_ins SET expires_at = '2020-01-01 00:00:00+00:00'")
	tamper(t, app, "UPDATE identity_factors SET created_at = '2020-01-01 00:00:00+00:00'")
	keeper.Tidy(t.Context())
	require.Empty(t, app.Rows(t, "SELECT id FROM identity_sign_ins"))
	require.Len(t, app.Rows(t, "SELECT id FROM identity_factors"), 1, "what was confirmed stays")

	app.Want(t, http.StatusAccepted, call("DELETE", "/api/v1/me", ada.Token, fields{"password": ada.Password}))
	tamper(t, app, "UPDATE identity_users SET deletion_due_at = created_at WHERE deletion_due_at IS NOT NULL")
	keeper.Tidy(t.Context())
	require.Empty(t, app.Rows(t, "SELECT id FROM identity_factors"))
	require.Empty(t, app.Rows(t, "SELECT id FROM identity_recovery_codes"))
}
