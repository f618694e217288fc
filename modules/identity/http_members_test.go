package identity_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

const membersPath = "/api/v1/members"

type member struct {
	UserID      uuid.UUID `json:"user_id"`
	Name, Email string
	Roles       []string
}

func memberPath(u testapp.User) string { return membersPath + "/" + u.ID.String() }

// join makes user a member of owner's tenant by an invitation.
func join(t *testing.T, app *testapp.App, owner, user testapp.User, roles ...string) {
	t.Helper()
	app.Want(t, http.StatusCreated, invitation(owner.Token, user.Email, roles...))
	app.Want(t, http.StatusOK, accept(user.Token, fields{"token": app.Mail(t, user.Email, "identity.invitation").Token(t)}))
}

// in is a token of user's in the tenant of another.
func in(t *testing.T, app *testapp.App, user, owner testapp.User) string {
	t.Helper()
	return signedIn(t, app, switchTo(user.Token, owner.TenantID.String())).Access
}

func listMembers(t *testing.T, app *testapp.App, token, query string) (list []member, next *string) {
	t.Helper()
	var page struct {
		Items []member
		Next  *string `json:"next_cursor"`
	}
	app.Want(t, http.StatusOK, call("GET", membersPath+query, token, nil)).JSON(t, &page)
	return page.Items, page.Next
}

func setRoles(token string, of testapp.User, roles ...string) testapp.Call {
	return call("PATCH", memberPath(of), token, fields{"roles": roles})
}

// together sends calls at the same moment.
func together(t *testing.T, app *testapp.App, calls ...testapp.Call) []testapp.Answer {
	t.Helper()
	answers := make([]testapp.Answer, len(calls))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() {
			<-start
			answers[i] = app.Do(t, c)
		})
	}
	close(start)
	all.Wait()
	return answers
}

func TestMembersAreListedWithTheirRoles(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, bob, cyd, stranger := app.Register(t, "ada"), app.Register(t, "bob"), app.Register(t, "cyd"), app.Register(t, "eve")
	join(t, app, owner, bob, authz.Viewer, authz.Member, authz.Viewer)
	join(t, app, owner, cyd, authz.Admin)
	want := []member{
		{owner.ID, "ada", owner.Email, []string{authz.Owner}},
		{bob.ID, "bob", bob.Email, []string{authz.Member, authz.Viewer}},
		{cyd.ID, "cyd", cyd.Email, []string{authz.Admin}},
	}
	all, next := listMembers(t, app, owner.Token, "")
	require.Equal(t, want, all)
	require.Nil(t, next)
	first, next := listMembers(t, app, in(t, app, bob, owner), "?limit=2")
	rest, last := listMembers(t, app, owner.Token, "?limit=2&cursor="+*next)
	require.Equal(t, want, append(first, rest...))
	require.Nil(t, last)
	theirs, _ := listMembers(t, app, stranger.Token, "")
	require.Equal(t, []member{{stranger.ID, "eve", stranger.Email, []string{authz.Owner}}}, theirs)
	theirs, _ = listMembers(t, app, stranger.Token, "?cursor="+*next)
	require.Empty(t, theirs, "a cursor of another tenant shows nothing of it")
}

func TestNobodyGivesOrTakesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, admin, plain, viewer := app.Register(t, "ada"), app.Register(t, "bob"), app.Register(t, "cyd"), app.Register(t, "dan")
	join(t, app, owner, admin, authz.Admin)
	join(t, app, owner, plain, authz.Member)
	join(t, app, owner, viewer, authz.Viewer)
	asAdmin, asMember := in(t, app, admin, owner), in(t, app, plain, owner)
	before := app.Dump(t)
	for name, c := range map[string]testapp.Call{
		"an admin makes somebody an owner":           setRoles(asAdmin, plain, authz.Owner),
		"an admin becomes an owner":                  setRoles(asAdmin, admin, authz.Admin, authz.Owner),
		"an admin demotes an owner":                  setRoles(asAdmin, owner, authz.Member),
		"an admin removes an owner":                  call("DELETE", memberPath(owner), asAdmin, nil),
		"an admin invites an owner":                  invitation(asAdmin, "new@example.com", authz.Owner),
		"an admin invites an owner beside a member":  invitation(asAdmin, "new@example.com", authz.Member, authz.Owner),
		"an owner makes somebody the operator":       setRoles(owner.Token, plain, authz.PlatformAdmin),
		"an owner becomes the operator":              setRoles(owner.Token, owner, authz.Owner, authz.PlatformAdmin),
		"an owner invites an operator":               invitation(owner.Token, "new@example.com", authz.PlatformAdmin),
		"a member gives roles":                       setRoles(asMember, viewer, authz.Member),
		"a member removes somebody":                  call("DELETE", memberPath(viewer), asMember, nil),
		"a member invites somebody":                  invitation(asMember, "new@example.com", authz.Viewer),
		"somebody changes roles in a foreign tenant": setRoles(asMember, owner, authz.Member),
	} {
		answer := app.Want(t, http.StatusForbidden, c)
		require.Contains(t, []string{"access.permission_not_held", "authz.denied"}, answer.Code(t), name)
	}
	require.Equal(t, before, app.Dump(t))
	for name, c := range map[string]testapp.Call{
		"a role that is none":     setRoles(owner.Token, plain, "emperor"),
		"a role that is no name":  setRoles(owner.Token, plain, "a'; DROP TABLE authz_rules; --"),
		"no role":                 setRoles(owner.Token, plain),
		"a tenant beside it":      call("PATCH", memberPath(plain), owner.Token, fields{"roles": []string{"member"}, "tenant_id": uuid.NewString()}),
		"a user beside it":        call("PATCH", memberPath(plain), owner.Token, fields{"roles": []string{"member"}, "user_id": uuid.NewString()}),
		"an invitation elsewhere": call("POST", invitationsPath, owner.Token, fields{"email": "x@example.com", "roles": []string{"member"}, "tenant_id": uuid.NewString()}),
	} {
		require.Equal(t, http.StatusUnprocessableEntity, app.Do(t, c).Status, name)
	}
	require.Equal(t, before, app.Dump(t))
	var changed member
	app.Want(t, http.StatusOK, setRoles(asAdmin, plain, authz.Admin, authz.Viewer)).JSON(t, &changed)
	require.Equal(t, []string{authz.Admin, authz.Viewer}, changed.Roles)
	app.Want(t, http.StatusCreated, invitation(asMember, "new@example.com", authz.Viewer))
}

func TestARemovedMemberIsOutAtOnceAndOnEveryReplicaWithinASecond(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	owner, bob := one.Register(t, "ada"), one.Register(t, "bob")
	join(t, one, owner, bob, authz.Admin)
	there := signedIn(t, one, switchTo(bob.Token, owner.TenantID.String()))
	for _, app := range []*testapp.App{one, two} {
		whoAmI(t, app, there.Access)
		whoAmI(t, app, bob.Token)
	}
	one.Want(t, http.StatusCreated, invitation(there.Access, "friend@example.com", authz.Admin))
	friend := one.Mail(t, "friend@example.com", "identity.invitation").Token(t)

	one.Want(t, http.StatusNoContent, call("DELETE", memberPath(bob), owner.Token, nil))
	require.Equal(t, "auth.token_revoked", one.Want(t, http.StatusUnauthorized, me(there.Access)).Code(t))
	testapp.WithinASecond(t, func() bool { return two.Do(t, me(there.Access)).Status == http.StatusUnauthorized })
	two.Want(t, http.StatusUnauthorized, refresh(there.Refresh))
	whoAmI(t, two, bob.Token)
	one.Want(t, http.StatusNotFound, switchTo(bob.Token, owner.TenantID.String()))
	require.Equal(t, "identity.member_not_found", one.Want(t, http.StatusNotFound, call("DELETE", memberPath(bob), owner.Token, nil)).Code(t))
	require.Equal(t, "identity.member_not_found", one.Want(t, http.StatusNotFound, setRoles(owner.Token, bob, authz.Member)).Code(t))
	require.Equal(t, "identity.invitation_closed", one.Want(t, http.StatusNotFound,
		accept("", fields{"token": friend, "name": "F", "password": password})).Code(t), "what a removed member has offered is withdrawn")
	roles, err := one.Grants.Roles(t.Context(), owner.TenantID, bob.ID)
	require.NoError(t, err)
	require.Empty(t, roles)

	// Who comes back starts anew: neither the roles nor the sessions of before are theirs.
	join(t, one, owner, bob, authz.Viewer)
	one.Want(t, http.StatusUnauthorized, me(there.Access))
	require.Equal(t, []string{authz.Viewer}, whoAmI(t, one, in(t, one, bob, owner)).Roles)
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner, bob := app.Register(t, "ada"), app.Register(t, "bob")
	leave := func(token string) testapp.Call { return call("POST", membersPath+"/leave", token, nil) }
	for _, c := range []testapp.Call{leave(owner.Token), call("DELETE", memberPath(owner), owner.Token, nil), setRoles(owner.Token, owner, authz.Admin)} {
		require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, c).Code(t))
	}
	join(t, app, owner, bob, authz.Member)
	require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, leave(owner.Token)).Code(t), "a member is no owner")
	app.Want(t, http.StatusOK, setRoles(owner.Token, bob, authz.Owner))
	app.Want(t, http.StatusOK, setRoles(owner.Token, owner, authz.Member))
	app.Want(t, http.StatusNoContent, leave(owner.Token))
	app.Want(t, http.StatusUnauthorized, me(owner.Token))
	require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, leave(in(t, app, bob, owner))).Code(t))

	// An owner who is disabled cannot do an owner's work.
	cyd := app.Register(t, "cyd")
	owned := testapp.User{TenantID: owner.TenantID, Token: in(t, app, bob, owner)}
	join(t, app, owned, cyd, authz.Owner)
	tamper(t, app, "UPDATE identity_users SET disabled_at = CURRENT_TIMESTAMP WHERE id = '"+cyd.ID.String()+"'")
	require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, leave(owned.Token)).Code(t))

	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	operator := testapp.User{ID: whoAmI(t, app, admin).User.ID}
	require.Equal(t, "identity.last_owner", app.Want(t, http.StatusConflict, setRoles(admin, operator, authz.Owner)).Code(t), "nobody else administers the platform")
}

func TestOfTenOwnersWhoGoAtOnceOneStays(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	for name, going := range map[string]func(token string, of testapp.User) testapp.Call{
		"leaving":  func(token string, _ testapp.User) testapp.Call { return call("POST", membersPath+"/leave", token, nil) },
		"removed":  func(token string, of testapp.User) testapp.Call { return call("DELETE", memberPath(of), token, nil) },
		"demoting": func(token string, of testapp.User) testapp.Call { return setRoles(token, of, authz.Member) },
	} {
		owner := app.Register(t, "owner")
		calls := []testapp.Call{going(owner.Token, owner)}
		for i := range 9 {
			user := app.Register(t, fmt.Sprint("user", i))
			join(t, app, owner, user, authz.Owner)
			calls = append(calls, going(in(t, app, user, owner), user))
		}
		refused := 0
		for _, answer := range together(t, app, calls...) {
			if answer.Status == http.StatusConflict {
				refused++
				require.Equal(t, "identity.last_owner", answer.Code(t), name)
				continue
			}
			require.Less(t, answer.Status, 300, "%s: %s", name, answer.Body)
		}
		require.Equal(t, 1, refused, name)
		holders, err := app.Grants.Holders(t.Context(), owner.TenantID, authz.Owner)
		require.NoError(t, err)
		require.Len(t, holders, 1, name)
	}
}
