package identity_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestARefreshTokenIsTradedForTheNext(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	token := user.Refresh
	for range 3 {
		next := signedIn(t, app, refresh(token))
		require.NotEqual(t, token, next.Refresh)
		require.Equal(t, "Bearer", next.Type)
		require.Positive(t, next.ExpiresIn)
		require.Equal(t, user.ID, whoAmI(t, app, next.Access).User.ID)
		require.Equal(t, user.ID, whoAmI(t, app, user.Token).User.ID, "the access token before it lives on")
		token = next.Refresh
	}
}

func TestAReusedRefreshTokenEndsItsFamily(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"auth.refresh_grace=0s"}})
	user := app.Register(t, "ada")
	bystander := signedIn(t, app, login(user.Email, user.Password))
	second := signedIn(t, app, refresh(user.Refresh))
	third := signedIn(t, app, refresh(second.Refresh))

	require.Equal(t, "identity.refresh_reused", app.Want(t, http.StatusUnauthorized, refresh(user.Refresh)).Code(t))
	for _, access := range []string{user.Token, second.Access, third.Access} {
		require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(access)).Code(t))
	}
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(third.Refresh)).Code(t))
	for range 2 {
		require.Equal(t, "identity.refresh_reused", app.Want(t, http.StatusUnauthorized, refresh(second.Refresh)).Code(t))
	}
	// Another session of the same user is another family.
	require.Equal(t, user.ID, whoAmI(t, app, bystander.Access).User.ID)
	signedIn(t, app, refresh(bystander.Refresh))
}

// Nobody can tell whether requests that cross each other come from one client or two, so for a moment they count as one:
// there is one family, one next token, and every answer is good.
func TestRefreshesOfOneTokenAtOnceGetOneSuccessor(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	successors := map[string]bool{}
	for _, answer := range atOnce(t, app, 20, refresh(user.Refresh)) {
		require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
		var next tokens
		answer.JSON(t, &next)
		successors[next.Refresh] = true
		require.Equal(t, user.ID, whoAmI(t, app, next.Access).User.ID)
	}
	require.Len(t, successors, 1)
	require.Len(t, app.Rows(t, "SELECT id FROM identity_sessions WHERE user_id = '"+user.ID.String()+"'"), 1, "one family")
	require.Len(t, app.Rows(t, "SELECT t.id FROM identity_refresh_tokens t JOIN identity_sessions s ON s.id = t.session_id "+
		"WHERE s.user_id = '"+user.ID.String()+"' AND t.used_at IS NULL"), 1, "no double grant")
	for next := range successors {
		signedIn(t, app, refresh(next))
		require.Equal(t, next, signedIn(t, app, refresh(user.Refresh)).Refresh, "whoever comes late gets there, too")
	}
}

func TestWhatIsNoRefreshTokenIsRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	for name, token := range map[string]string{
		"an access token": user.Token, "nonsense": "x", "one character less": user.Refresh[1:], "more of it": user.Refresh + "A",
	} {
		require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, refresh(token)).Code(t), name)
	}
	require.Equal(t, "auth.token_malformed", app.Want(t, http.StatusUnauthorized, me(user.Refresh)).Code(t))
}
