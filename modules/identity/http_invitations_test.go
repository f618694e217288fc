package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

const invitationsPath = "/api/v1/invitations"

type invited struct {
	ID        uuid.UUID
	Email     string
	Roles     []string
	InvitedBy uuid.UUID `json:"invited_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func invitation(token, email string, roles ...string) testapp.Call {
	return call("POST", invitationsPath, token, fields{"email": email, "roles": roles})
}

func accept(token string, body fields) testapp.Call {
	return call("POST", invitationsPath+"/accept", token, body)
}

// invite returns the invitation and the token that its mail holds.
func invite(t *testing.T, app *testapp.App, token, email string, roles ...string) (invited, string) {
	t.Helper()
	var i invited
	app.Want(t, http.StatusCreated, invitation(token, email, roles...)).JSON(t, &i)
	return i, app.Mail(t, i.Email, "identity.invitation").Token(t)
}

func listInvitations(t *testing.T, app *testapp.App, token, query string) (list []invited, next *string) {
	t.Helper()
	var page struct {
		Items []invited
		Next  *string `json:"next_cursor"`
	}
	app.Want(t, http.StatusOK, call("GET", invitationsPath+query, token, nil)).JSON(t, &page)
	return page.Items, page.Next
}

func TestANewUserComesByInvitation(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.require_verified_email=false"}})
	owner := app.Register(t, "ada")
	i, token := invite(t, app, owner.Token, "New@Example.com", authz.Member, authz.Viewer)
	require.Equal(t, "new@example.com", i.Email)
	require.Equal(t, []string{authz.Member, authz.Viewer}, i.Roles)
	require.Equal(t, owner.ID, i.InvitedBy)
	require.Equal(t, 168*time.Hour, i.ExpiresAt.Sub(i.CreatedAt).Round(time.Minute))

	before := app.Dump(t)
	for name, body := range map[string]fields{
		"without a name or a password": {"token": token},
		"with a weak password":         {"token": token, "name": "Bob", "password": "short"},
		"without a name":               {"token": token, "name": " ", "password": password},
	} {
		require.Equal(t, "identity.invitation_invalid", app.Want(t, http.StatusUnprocessableEntity, accept("", body)).Code(t), name)
	}
	for name, more := range map[string]fields{
		"a tenant": {"tenant_id": uuid.NewString()}, "roles": {"roles": []string{authz.Owner}}, "an address": {"email": "eve@example.com"}, "a user": {"user_id": owner.ID.String()},
	} {
		body := fields{"token": token, "name": "Bob", "password": password}
		for key, value := range more {
			body[key] = value
		}
		require.Equal(t, "request.invalid", app.Want(t, http.StatusUnprocessableEntity, accept("", body)).Code(t), name)
	}
	require.Equal(t, before, app.Dump(t), "a refused attempt leaves the invitation open")

	var got profile
	app.Want(t, http.StatusOK, accept("", fields{"token": token, "name": " Bob ", "password": password})).JSON(t, &got)
	require.Equal(t, "new@example.com", got.User.Email)
	require.Equal(t, "Bob", got.User.Name)
	require.Equal(t, owner.TenantID, got.Tenant.ID)
	p := whoAmI(t, app, signedIn(t, app, login("new@example.com", password)).Access)
	require.Equal(t, owner.TenantID, p.Tenant.ID)
	require.Equal(t, []string{authz.Member, authz.Viewer}, p.Roles)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_users WHERE email = 'new@example.com' AND email_verified_at IS NOT NULL"), 1, "reading the mail proves the address")
	list, _ := listInvitations(t, app, owner.Token, "")
	require.Empty(t, list)
	require.Equal(t, "identity.invitation_closed", app.Want(t, http.StatusNotFound, accept("", fields{"token": token, "name": "x", "password": password})).Code(t))
	require.Equal(t, "identity.already_member", app.Want(t, http.StatusConflict, invitation(owner.Token, "NEW@example.com", authz.Member)).Code(t))
	require.Equal(t, []map[string]string{{"actor": got.User.ID.String(), "target": "identity.user:" + got.User.ID.String(), "outcome": "succeeded"}},
		app.Rows(t, "SELECT actor, target, outcome FROM audit_events WHERE permission = 'identity.invitation.accept' AND tenant_id = '"+owner.TenantID.String()+"'"))
}

func TestAnExistingUserAcceptsWithASessionOrThePassword(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, bob, cyd, eve := app.Register(t, "ada"), app.Register(t, "bob"), app.Register(t, "cyd"), app.Register(t, "eve")
	_, forBob := invite(t, app, owner.Token, bob.Email, authz.Member)
	_, forCyd := invite(t, app, owner.Token, cyd.Email, authz.Viewer)
	before := app.Dump(t)
	require.Equal(t, "identity.invitation_other", app.Want(t, http.StatusForbidden, accept(eve.Token, fields{"token": forBob})).Code(t), "a stolen link")
	require.Equal(t, "identity.invitation_other", app.Want(t, http.StatusForbidden, accept(eve.Token, fields{"token": forBob, "name": "B", "password": bob.Password})).Code(t))
	for name, body := range map[string]fields{
		"a link alone is no account":   {"token": forBob},
		"nor with a new password":      {"token": forBob, "name": "Bob", "password": "another good password"},
		"nor with somebody else's":     {"token": forBob, "name": "Bob", "password": "hunter22 hunter22"},
		"nor with a password too long": {"token": forBob, "name": "Bob", "password": strings.Repeat("x", 1000)},
	} {
		require.Equal(t, "identity.invalid_credentials", app.Want(t, http.StatusUnauthorized, accept("", body)).Code(t), name)
	}
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.invitation.accept' AND outcome = 'failed'"), 4)
	app.Want(t, http.StatusUnauthorized, accept("not.a.token", fields{"token": forBob, "password": bob.Password}))
	after := app.Dump(t)
	require.Equal(t, before["identity_invitations"], after["identity_invitations"])
	require.Equal(t, before["identity_memberships"], after["identity_memberships"])
	require.Equal(t, before["identity_users"], after["identity_users"])

	app.Want(t, http.StatusOK, accept(bob.Token, fields{"token": forBob}))
	require.Equal(t, []string{authz.Member}, whoAmI(t, app, in(t, app, bob, owner)).Roles)
	app.Want(t, http.StatusOK, accept("", fields{"token": forCyd, "password": cyd.Password}))
	require.Equal(t, []string{authz.Viewer}, whoAmI(t, app, in(t, app, cyd, owner)).Roles)
	require.Equal(t, cyd.TenantID, whoAmI(t, app, cyd.Token).Tenant.ID, "and their own tenant stays theirs")
}

func TestOneOfTenAcceptancesAtOnceWins(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, bob := app.Register(t, "ada"), app.Register(t, "bob")
	_, forBob := invite(t, app, owner.Token, bob.Email, authz.Member)
	_, forNew := invite(t, app, owner.Token, "new@example.com", authz.Member)
	for name, c := range map[string]testapp.Call{
		"a new user":  accept("", fields{"token": forNew, "name": "New", "password": password}),
		"a known one": accept(bob.Token, fields{"token": forBob}),
	} {
		accepted := 0
		for _, answer := range atOnce(t, app, 10, c) {
			switch answer.Status {
			case http.StatusOK:
				accepted++
			case http.StatusUnauthorized: // the user was there when the request looked, with the same password still to be proved
				require.Equal(t, "identity.invalid_credentials", answer.Code(t), name)
			default:
				require.Equal(t, http.StatusNotFound, answer.Status, "%s: %s", name, answer.Body)
				require.Equal(t, "identity.invitation_closed", answer.Code(t), name)
			}
		}
		require.Equal(t, 1, accepted, name)
	}
	list, _ := listMembers(t, app, owner.Token, "")
	require.Len(t, list, 3)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_users WHERE email = 'new@example.com'"), 1)
}

func TestAnInvitationIsSentAgainWithdrawnAndExpires(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, stranger := app.Register(t, "ada"), app.Register(t, "eve")
	i, first := invite(t, app, owner.Token, "bob@example.com", authz.Member)
	require.Equal(t, "identity.invitation_open", app.Want(t, http.StatusConflict, invitation(owner.Token, "BOB@example.com", authz.Viewer)).Code(t))
	invite(t, app, stranger.Token, "bob@example.com", authz.Member) // another tenant may invite the same person
	path := invitationsPath + "/" + i.ID.String()

	app.Want(t, http.StatusOK, call("POST", path+"/resend", owner.Token, nil))
	second := app.Mail(t, "bob@example.com", "identity.invitation").Token(t)
	require.NotEqual(t, first, second)
	closed := func(token string) {
		t.Helper()
		answer := app.Want(t, http.StatusNotFound, accept("", fields{"token": token, "name": "Bob", "password": password}))
		require.Equal(t, "identity.invitation_closed", answer.Code(t))
	}
	closed(first)
	closed("guessed")
	closed(strings.Repeat("A", 43))
	closed("' OR '1'='1")

	tamper(t, app, "UPDATE identity_invitations SET expires_at = created_at WHERE id = '"+i.ID.String()+"'")
	closed(second)
	list, _ := listInvitations(t, app, owner.Token, "")
	require.Len(t, list, 1, "an expired one can be sent again")
	app.Want(t, http.StatusOK, call("POST", path+"/resend", owner.Token, nil))
	third := app.Mail(t, "bob@example.com", "identity.invitation").Token(t)
	tamper(t, app, "UPDATE identity_invitations SET expires_at = created_at WHERE id = '"+i.ID.String()+"'")
	i, fourth := invite(t, app, owner.Token, "bob@example.com", authz.Viewer) // or be replaced
	closed(third)
	app.Want(t, http.StatusNoContent, call("DELETE", invitationsPath+"/"+i.ID.String(), owner.Token, nil))
	closed(fourth)
	for _, c := range []testapp.Call{call("DELETE", path, owner.Token, nil), call("POST", path+"/resend", owner.Token, nil)} {
		require.Equal(t, "identity.invitation_not_found", app.Want(t, http.StatusNotFound, c).Code(t))
	}

	// Five mails an hour are enough for anybody's mailbox, whoever sends them.
	answer := app.Want(t, http.StatusTooManyRequests, invitation(owner.Token, "bob@example.com", authz.Member))
	require.Equal(t, "request.rate_limited", answer.Code(t))
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	list, _ = listInvitations(t, app, owner.Token, "")
	require.Empty(t, list, "nothing of it is kept")
}

func TestInvitationsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, stranger := app.Register(t, "ada"), app.Register(t, "eve")
	for _, email := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		app.Want(t, http.StatusCreated, invitation(owner.Token, email, authz.Member))
	}
	first, next := listInvitations(t, app, owner.Token, "?limit=2")
	rest, last := listInvitations(t, app, owner.Token, "?limit=2&cursor="+*next)
	require.Nil(t, last)
	var emails []string
	for _, i := range append(first, rest...) {
		emails = append(emails, i.Email)
	}
	require.Equal(t, []string{"c@example.com", "b@example.com", "a@example.com"}, emails)
	theirs, _ := listInvitations(t, app, stranger.Token, "")
	require.Empty(t, theirs)
	require.Equal(t, "identity.invitation_not_found", app.Want(t, http.StatusNotFound, call("DELETE", invitationsPath+"/"+first[0].ID.String(), stranger.Token, nil)).Code(t))
	body := app.Want(t, http.StatusOK, call("GET", invitationsPath, owner.Token, nil)).Body
	require.NotContains(t, string(body), "token")
}

// Who has lost what the invitation gives cannot give it any more, whenever the invitation was made.
func TestAnInvitationCountsOnlyAsLongAsItsMakerMayGiveTheRoles(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, admin := app.Register(t, "ada"), app.Register(t, "bob")
	join(t, app, owner, admin, authz.Admin)
	i, token := invite(t, app, in(t, app, admin, owner), "friend@example.com", authz.Admin)
	app.Want(t, http.StatusOK, setRoles(owner.Token, admin, authz.Member))
	body := fields{"token": token, "name": "F", "password": password}
	require.Equal(t, "identity.invitation_closed", app.Want(t, http.StatusNotFound, accept("", body)).Code(t))

	app.Want(t, http.StatusOK, call("POST", invitationsPath+"/"+i.ID.String()+"/resend", owner.Token, nil))
	body["token"] = app.Mail(t, "friend@example.com", "identity.invitation").Token(t)
	app.Want(t, http.StatusOK, accept("", body))
}

func TestNobodyJoinsATenantThatIsSuspendedOrDeleted(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "ada")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	_, token := invite(t, app, owner.Token, "bob@example.com", authz.Member)
	body := fields{"token": token, "name": "Bob", "password": password}
	path := tenantsPath + "/" + owner.TenantID.String()
	app.Want(t, http.StatusOK, call("POST", path+"/suspend", admin, nil))
	require.Equal(t, "tenant.suspended", app.Want(t, http.StatusForbidden, accept("", body)).Code(t))
	app.Want(t, http.StatusOK, call("POST", path+"/resume", admin, nil))
	app.Want(t, http.StatusAccepted, call("DELETE", path, owner.Token, nil))
	require.Equal(t, "identity.invitation_closed", app.Want(t, http.StatusNotFound, accept("", body)).Code(t))
}

// The Host header is whatever the caller says, and must not be where a mailed link leads.
func TestInvitationLinksLeadWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"identity.public_url=https://app.example.com/start"}})
	owner := app.Register(t, "ada")
	r := httptest.NewRequest(http.MethodPost, invitationsPath, strings.NewReader(`{"email": "bob@example.com", "roles": ["member"]}`))
	r.Host = "evil.example.org"
	for name, value := range map[string]string{
		"Authorization": "Bearer " + owner.Token, "Content-Type": "application/json",
		"X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example.org", "Origin": "https://evil.example.org",
		"Referer": "https://evil.example.org/", "X-Original-Url": "https://evil.example.org/", "X-Host": "evil.example.org",
	} {
		r.Header.Set(name, value)
	}
	answer := app.Send(t, r)
	require.Equal(t, http.StatusCreated, answer.Status, "%s", answer.Body)
	mail := app.Mail(t, "bob@example.com", "identity.invitation")
	require.True(t, strings.HasPrefix(mail.Link(t), "https://app.example.com/start/accept-invitation#token="), mail.Link(t))
	require.NotContains(t, mail.Text+mail.Subject, "evil")
	require.NotContains(t, string(answer.Body), mail.Token(t))
	for _, entry := range app.Log.All() {
		require.NotContains(t, entry.Message, mail.Token(t))
	}
	require.Empty(t, app.Rows(t, "SELECT id FROM audit_events WHERE target LIKE '%"+mail.Token(t)+"%'"))
}

// Anybody can make a tenant, and have this mail sent to anybody: nothing that was typed may be in it.
func TestAnInvitationCarriesNoTextOfItsSender(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	spammer := app.Register(t, "ada")
	spam := newTenantOf(t, app, spammer.Token, "Win a prize: https://evil.example.org/?x=1 <script>")
	token := signedIn(t, app, switchTo(spammer.Token, spam.Slug)).Access
	app.Want(t, http.StatusCreated, invitation(token, "bob@example.com", authz.Member))
	mail := app.Mail(t, "bob@example.com", "identity.invitation")
	require.Contains(t, mail.Subject, spam.Slug)
	require.NotContains(t, mail.Text+mail.Subject, "://evil")
	require.NotContains(t, mail.Text+mail.Subject, "evil.example")
	require.NotContains(t, mail.Text, "<")
}

func TestAddressesThatAreNoneAreNotInvited(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "ada")
	for _, email := range []string{
		"", "nobody", "a@b\r\nBcc: eve@example.com", "Eve <eve@example.com>", "a@example.com, b@example.com", "аdа@example.com", strings.Repeat("a", 300) + "@example.com",
	} {
		require.Equal(t, http.StatusUnprocessableEntity, app.Do(t, invitation(owner.Token, email, authz.Member)).Status, "%q", email)
	}
}
