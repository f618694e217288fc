package identity_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"

type sessionList struct {
	Items []struct {
		ID         uuid.UUID
		Device, IP string
		CreatedAt  time.Time `json:"created_at"`
		LastSeenAt time.Time `json:"last_seen_at"`
		Current    bool
	}
	NextCursor *string `json:"next_cursor"`
}

func mySessions(t *testing.T, app *testapp.App, token, query string) sessionList {
	t.Helper()
	var list sessionList
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me/sessions" + query, Token: token}).JSON(t, &list)
	return list
}

func endSession(token, id string) testapp.Call {
	return testapp.Call{Method: "DELETE", Path: "/api/v1/me/sessions/" + id, Token: token}
}

func endOthers(token string) testapp.Call {
	return testapp.Call{Method: "DELETE", Path: "/api/v1/me/sessions", Token: token}
}

func TestAUserSeesAndEndsTheirSessions(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user, stranger := app.Register(t, "ada"), app.Register(t, "eve")
	call := login(user.Email, user.Password)
	call.Header = map[string]string{"User-Agent": firefox}
	phone, tablet := signedIn(t, app, call), signedIn(t, app, call)

	list := mySessions(t, app, phone.Access, "")
	require.Len(t, list.Items, 3)
	for i, s := range list.Items {
		require.Equal(t, i == 1, s.Current, "the newest first")
		require.Equal(t, "192.0.2.1", s.IP)
		require.WithinDuration(t, time.Now(), s.CreatedAt, time.Minute)
		require.WithinDuration(t, time.Now(), s.LastSeenAt, time.Minute)
	}
	require.Equal(t, "Firefox on Windows", list.Items[0].Device)
	page := mySessions(t, app, phone.Access, "?limit=2")
	require.Equal(t, list.Items[:2], page.Items)
	page = mySessions(t, app, phone.Access, "?limit=2&cursor="+*page.NextCursor)
	require.Equal(t, list.Items[2:], page.Items)
	require.Nil(t, page.NextCursor)
	last := app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me/sessions", Token: phone.Access})
	require.Contains(t, string(last.Body), `"next_cursor":null`, "as in every other list")

	id := list.Items[0].ID.String()
	for _, attempt := range []testapp.Call{endSession(stranger.Token, id), endSession(user.Token, uuid.NewString())} {
		require.Equal(t, "identity.session_not_found", app.Want(t, http.StatusNotFound, attempt).Code(t))
	}
	whoAmI(t, app, tablet.Access)
	app.Want(t, http.StatusNoContent, endSession(phone.Access, id))
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(tablet.Access)).Code(t))
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(tablet.Refresh)).Code(t))
	app.Want(t, http.StatusNotFound, endSession(phone.Access, id))

	signedIn(t, app, call)
	app.Want(t, http.StatusNoContent, endOthers(phone.Access))
	require.Len(t, mySessions(t, app, phone.Access, "").Items, 1)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(user.Token)).Code(t))
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(user.Refresh)).Code(t))
	require.Equal(t, stranger.ID, whoAmI(t, app, stranger.Token).User.ID, "somebody else's go on")

	app.Want(t, http.StatusNoContent, endSession(phone.Access, mySessions(t, app, phone.Access, "").Items[0].ID.String()))
	app.Want(t, http.StatusUnauthorized, me(phone.Access))
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE outcome = 'succeeded' AND permission IN "+
		"('identity.revokeMySession', 'identity.revokeMyOtherSessions')"), 3)
}

// A token that was good a moment ago is tried again on every replica after each way in which its session can end.
func TestATokenCannotBeReplayedAnywhereOnceItsSessionHasEnded(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	user := one.Register(t, "ada")
	for name, end := range map[string]func(victim tokens) testapp.Call{
		"by signing out": func(victim tokens) testapp.Call { return logout(victim.Access) },
		"by name": func(victim tokens) testapp.Call {
			return endSession(user.Token, mySessions(t, one, victim.Access, "?limit=1").Items[0].ID.String())
		},
		"with all others": func(tokens) testapp.Call { return endOthers(user.Token) },
	} {
		victim := signedIn(t, one, login(user.Email, user.Password))
		whoAmI(t, one, victim.Access)
		whoAmI(t, two, victim.Access)
		one.Want(t, http.StatusNoContent, end(victim))
		require.Equal(t, "auth.token_revoked", one.Want(t, http.StatusUnauthorized, me(victim.Access)).Code(t), name)
		testapp.WithinASecond(t, func() bool { return two.Do(t, me(victim.Access)).Status == http.StatusUnauthorized }, name)
		for _, app := range []*testapp.App{one, two} {
			for range 3 {
				require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(victim.Access)).Code(t), name)
			}
			require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(victim.Refresh)).Code(t), name)
		}
	}
	whoAmI(t, two, user.Token)
}

func TestRefreshesAtOnceOnTwoReplicasGetOneSuccessor(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	user := one.Register(t, "ada")
	here, there := signedIn(t, one, refresh(user.Refresh)), signedIn(t, two, refresh(user.Refresh))
	require.Equal(t, here.Refresh, there.Refresh)
	signedIn(t, two, refresh(here.Refresh))
}

var lockedAsUsual = testapp.Options{Set: []string{"auth.lockout.free_failures=5", "auth.lockout.longest=2s", "auth.lockout.reset_after=1m"}}

// Nothing in the answers may tell whether an address is known, and a lock holds on every replica.
func TestALockedAccountLooksLikeALockedUnknownAddress(t *testing.T) {
	t.Parallel()
	one := testapp.New(t, modules.All(), lockedAsUsual)
	two := testapp.New(t, modules.All(), lockedAsUsual, testapp.Options{Database: one.DatabaseURL()})
	user := one.Register(t, "ada")
	var seen [][]testapp.Answer
	for _, email := range []string{user.Email, "nobody@example.com"} {
		var answers []testapp.Answer
		for range 8 {
			call := login(email, "wrong")
			call.Header = map[string]string{"X-Request-ID": "same"}
			answers = append(answers, one.Do(t, call))
		}
		seen = append(seen, answers)
	}
	require.Equal(t, seen[0], seen[1], "status, headers and every byte")
	for i, answer := range seen[0] {
		if i < 6 {
			require.Equal(t, http.StatusUnauthorized, answer.Status)
			continue
		}
		require.Equal(t, http.StatusTooManyRequests, answer.Status)
		require.Equal(t, "identity.locked", answer.Code(t))
		require.Equal(t, "1", answer.Header.Get("Retry-After"))
	}
	require.Eventually(t, func() bool { return two.Do(t, login(user.Email, user.Password)).Status == http.StatusOK }, time.Minute, 50*time.Millisecond)
	signedIn(t, one, login(user.Email, user.Password))
}

func TestALockHoldsOnEveryReplica(t *testing.T) {
	t.Parallel()
	long := testapp.Options{Set: []string{"auth.lockout.free_failures=5", "auth.lockout.first=30s"}}
	one := testapp.New(t, modules.All(), long)
	two := testapp.New(t, modules.All(), long, testapp.Options{Database: one.DatabaseURL()})
	user := one.Register(t, "ada")
	for i := range 6 {
		app := []*testapp.App{one, two}[i%2]
		require.Equal(t, "identity.invalid_credentials", app.Want(t, http.StatusUnauthorized, login(user.Email, "wrong")).Code(t))
	}
	for _, app := range []*testapp.App{one, two} {
		answer := app.Want(t, http.StatusTooManyRequests, login(user.Email, user.Password))
		require.Equal(t, "identity.locked", answer.Code(t), "also with the right password")
		left, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 30, left, 15)
	}
}

// Guesses that all arrive before the first answer get no more looks than those that come one after the other.
func TestGuessingAtOnceIsNoWayAroundALock(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.lockout.free_failures=5", "auth.lockout.first=30s"}})
	statuses := map[int]int{}
	for _, answer := range atOnce(t, app, 30, login("nobody@example.com", "wrong")) {
		statuses[answer.Status]++
	}
	require.Equal(t, map[int]int{http.StatusUnauthorized: 6, http.StatusTooManyRequests: 24}, statuses)
}

func TestAnAddressMayNotAskTooOften(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"ratelimit.public_per_minute=3"}})
	for range 3 {
		app.Want(t, http.StatusUnauthorized, login("nobody@example.com", "x"))
	}
	answer := app.Want(t, http.StatusTooManyRequests, login("nobody@example.com", "x"))
	require.Equal(t, "request.rate_limited", answer.Code(t))
	require.Equal(t, "20", answer.Header.Get("Retry-After"))
	app.Want(t, http.StatusUnauthorized, refresh("x"))
	for range 10 {
		app.Want(t, http.StatusOK, testapp.Call{Path: "/healthz"})
		app.Want(t, http.StatusOK, testapp.Call{Path: "/ready"})
	}

	limited := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.lockout.failures_per_ip=3"}})
	for range 3 {
		limited.Want(t, http.StatusUnauthorized, login(uuid.NewString()+"@example.com", "x"))
	}
	require.Equal(t, "request.rate_limited", limited.Want(t, http.StatusTooManyRequests, login(testapp.AdminEmail, testapp.AdminPassword)).Code(t))
}
