package identity_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const fresh = "quiet violet hammock"

func forgot(email string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/password/forgot", Body: fields{"email": email}}
}

func reset(token, password string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/password/reset", Body: fields{"token": token, "password": password}}
}

func verify(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/email/verify", Body: fields{"token": token}}
}

func resend(email string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/email/resend", Body: fields{"email": email}}
}

func confirmChange(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/email/change/confirm", Body: fields{"token": token}}
}

func deletion(token, password string) testapp.Call {
	return testapp.Call{Method: "DELETE", Path: "/api/v1/me", Token: token, Body: fields{"password": password}}
}

func verified(t *testing.T, app *testapp.App, token string) bool {
	t.Helper()
	var p struct {
		User struct {
			EmailVerified bool `json:"email_verified"`
		}
	}
	app.Want(t, http.StatusOK, me(token)).JSON(t, &p)
	return p.User.EmailVerified
}

func TestAnAddressIsVerifiedByTheMailedLink(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.mail_interval=0s"}})
	user := app.Register(t, "ada")
	require.False(t, verified(t, app, user.Token))
	app.Mail(t, user.Email, "identity.verify_email")
	require.Empty(t, app.Want(t, http.StatusAccepted, resend(user.Email)).Body)
	token := app.Mail(t, user.Email, "identity.verify_email").Token(t)
	require.Empty(t, app.Want(t, http.StatusNoContent, verify(token)).Body)
	require.True(t, verified(t, app, user.Token))
	require.Equal(t, "identity.token_invalid", app.Want(t, http.StatusUnprocessableEntity, verify(token)).Code(t))
}

func TestAForgottenPasswordIsSetAnew(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	require.Empty(t, app.Want(t, http.StatusAccepted, forgot(user.Email)).Body)
	token := app.Mail(t, user.Email, "identity.reset_password").Token(t)

	answer := app.Want(t, http.StatusUnprocessableEntity, reset(token, "password1"))
	require.Equal(t, "identity.password_weak", answer.Code(t))
	require.Contains(t, string(answer.Body), `"breached"`)
	require.NotContains(t, string(answer.Body), "password1")

	require.Empty(t, app.Want(t, http.StatusNoContent, reset(token, fresh)).Body)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(user.Token)).Code(t))
	app.Want(t, http.StatusUnauthorized, refresh(user.Refresh))
	app.Want(t, http.StatusUnauthorized, login(user.Email, user.Password))
	require.True(t, verified(t, app, signedIn(t, app, login(user.Email, fresh)).Access))
	app.Mail(t, user.Email, "identity.password_changed")
	require.Equal(t, "identity.token_invalid", app.Want(t, http.StatusUnprocessableEntity, reset(token, fresh)).Code(t))
}

func TestAPasswordIsChangedAndTheOtherSessionsEnd(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	phone := signedIn(t, app, login(user.Email, user.Password))
	change := func(current, wanted string) testapp.Call {
		return testapp.Call{
			Method: "POST", Path: "/api/v1/me/password", Token: user.Token,
			Body: fields{"current_password": current, "new_password": wanted},
		}
	}
	require.Equal(t, "identity.password_wrong", app.Want(t, http.StatusForbidden, change("wrong", fresh)).Code(t))
	require.Equal(t, "identity.password_weak", app.Want(t, http.StatusUnprocessableEntity, change(user.Password, user.Email)).Code(t))
	app.Want(t, http.StatusNoContent, change(user.Password, fresh))
	require.Equal(t, user.ID, whoAmI(t, app, user.Token).User.ID)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(phone.Access)).Code(t))
	signedIn(t, app, login(user.Email, fresh))
	require.Equal(t, []map[string]string{{"outcome": "denied"}, {"outcome": "failed"}, {"outcome": "succeeded"}}, app.Rows(t,
		"SELECT outcome FROM audit_events WHERE actor = '"+user.ID.String()+"' AND permission IN ('identity.changePassword', 'identity.password.change') ORDER BY id"))
}

func TestAnAddressIsChangedByTwoConfirmations(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.mail_interval=0s"}})
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	address := uuid.NewString() + "@example.com"
	change := func(email string) testapp.Call {
		return testapp.Call{Method: "POST", Path: "/api/v1/me/email", Token: user.Token, Body: fields{"email": email, "password": user.Password}}
	}
	free, taken := app.Want(t, http.StatusAccepted, change(address)), app.Want(t, http.StatusAccepted, change(other.Email))
	require.Empty(t, free.Body)
	require.Equal(t, free.Body, taken.Body)
	app.Mail(t, user.Email, "identity.email_change_old")
	app.Mail(t, address, "identity.email_change_new")
	app.Mail(t, other.Email, "identity.email_change_taken")
	require.JSONEq(t, `{"completed": false}`,
		string(app.Want(t, http.StatusOK, confirmChange(app.Mail(t, user.Email, "identity.email_change_old").Token(t))).Body))

	app.Want(t, http.StatusAccepted, change(address))
	require.JSONEq(t, `{"completed": false}`,
		string(app.Want(t, http.StatusOK, confirmChange(app.Mail(t, address, "identity.email_change_new").Token(t))).Body))
	require.Equal(t, user.Email, whoAmI(t, app, user.Token).User.Email)
	require.JSONEq(t, `{"completed": true}`,
		string(app.Want(t, http.StatusOK, confirmChange(app.Mail(t, user.Email, "identity.email_change_old").Token(t))).Body))
	require.Equal(t, address, whoAmI(t, app, user.Token).User.Email)
	app.Mail(t, user.Email, "identity.email_changed")
	app.Want(t, http.StatusUnauthorized, login(user.Email, user.Password))
	signedIn(t, app, login(address, user.Password))
}

func TestADeletedAccountCanComeBack(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	require.Equal(t, "identity.password_wrong", app.Want(t, http.StatusForbidden, deletion(user.Token, "wrong")).Code(t))
	var state struct {
		DueAt time.Time `json:"deletion_due_at"`
	}
	app.Want(t, http.StatusAccepted, deletion(user.Token, user.Password)).JSON(t, &state)
	require.WithinDuration(t, time.Now().Add(168*time.Hour), state.DueAt, time.Minute)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(user.Token)).Code(t))
	app.Mail(t, user.Email, "identity.deletion_requested")

	token, _ := app.Login(t, user.Email, user.Password)
	require.Equal(t, user.ID, whoAmI(t, app, token).User.ID)
	app.Mail(t, user.Email, "identity.deletion_cancelled")
	require.Len(t, app.Rows(t, "SELECT id FROM identity_users WHERE deletion_due_at IS NULL AND id = '"+user.ID.String()+"'"), 1)
}

func TestTheLastOwnerOfATenantWithMembersStays(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	token, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, deletion(token, testapp.AdminPassword)).Code(t))
	require.Equal(t, "operator", whoAmI(t, app, token).Tenant.Slug)
}

func TestAnExportHoldsWhatThePlatformHolds(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, other := app.Register(t, "ada"), app.Register(t, "eve")
	app.Want(t, http.StatusCreated, write(user.Token))
	app.Want(t, http.StatusCreated, write(other.Token))
	app.Want(t, http.StatusAccepted, testapp.Call{
		Method: "POST", Path: "/api/v1/me/email", Token: user.Token, Body: fields{"email": "new@example.com", "password": user.Password},
	})
	answer := app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me/export", Token: user.Token})
	var got struct {
		User struct {
			ID    uuid.UUID
			Email string
		}
		Memberships []struct {
			Tenant struct{ ID uuid.UUID }
			Roles  []string
		}
		Sessions    []struct{ ID uuid.UUID }
		EmailChange struct {
			NewEmail string `json:"new_email"`
		} `json:"email_change"`
		Events []struct {
			Action   string
			TenantID uuid.UUID `json:"tenant_id"`
		} `json:"audit_events"`
		Complete bool `json:"audit_events_complete"`
	}
	answer.JSON(t, &got)
	require.Equal(t, user.ID, got.User.ID)
	require.Equal(t, user.Email, got.User.Email)
	require.Len(t, got.Memberships, 1)
	require.Equal(t, user.TenantID, got.Memberships[0].Tenant.ID)
	require.Equal(t, []string{"owner"}, got.Memberships[0].Roles)
	require.Len(t, got.Sessions, 1)
	require.Equal(t, "new@example.com", got.EmailChange.NewEmail)
	require.True(t, got.Complete)
	actions := map[string]int{}
	for _, e := range got.Events {
		require.Equal(t, user.TenantID, e.TenantID)
		actions[e.Action]++
	}
	require.Equal(t, map[string]int{
		"identity.user.register": 1, "identity.session.login": 1, "blog.post.create": 1, "identity.email.request_change": 1,
	}, actions)
	for _, foreign := range []string{other.ID.String(), other.TenantID.String(), other.Email, "argon2id", user.Password} {
		require.NotContains(t, string(answer.Body), foreign)
	}
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.user.export'"), 1)
}

func TestOnlyVerifiedUsersSignInWhereThatIsRequired(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.require_verified_email=true"}})
	app.Want(t, http.StatusCreated, registration("ada@example.com"))
	require.Equal(t, "identity.email_unverified", app.Want(t, http.StatusForbidden, login("ada@example.com", password)).Code(t))
	require.Equal(t, "identity.invalid_credentials", app.Want(t, http.StatusUnauthorized, login("ada@example.com", "wrong")).Code(t))
	app.Want(t, http.StatusNoContent, verify(app.Mail(t, "ada@example.com", "identity.verify_email").Token(t)))
	signedIn(t, app, login("ada@example.com", password))
	app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
}

func TestRegistrationCanConcealWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.register.conceal=true"}})
	call := registration("ada@example.com")
	call.Header = map[string]string{"X-Request-ID": "same"}
	first := app.Want(t, http.StatusAccepted, call)
	app.Mail(t, "ada@example.com", "identity.verify_email")
	require.Equal(t, first, app.Want(t, http.StatusAccepted, call), "status, headers and every byte")
	require.Empty(t, first.Body)
	again := app.Mail(t, "ada@example.com", "identity.account_exists")
	signedIn(t, app, login("ada@example.com", password))
	app.Want(t, http.StatusNoContent, reset(again.Token(t), fresh))
	require.Len(t, app.Rows(t, "SELECT id FROM identity_users WHERE email = 'ada@example.com'"), 1)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_tenants WHERE name = 'Acme'"), 1)

	weak := registration("ada@example.com")
	weak.Body.(fields)["password"] = "password"
	require.Equal(t, "identity.password_weak", app.Want(t, http.StatusUnprocessableEntity, weak).Code(t))
}
