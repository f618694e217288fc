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
	app := testapp.New(t, modules.All())
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

func TestARefreshTokenUsedTwiceAtOnceIsAReuse(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	answers := atOnce(t, app, 5, refresh(user.Refresh))
	traded := 0
	for _, answer := range answers {
		if answer.Status == http.StatusOK {
			traded++
			continue
		}
		require.Equal(t, http.StatusUnauthorized, answer.Status, "%s", answer.Body)
		require.Equal(t, "identity.refresh_reused", answer.Code(t))
	}
	require.Equal(t, 1, traded)
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, me(user.Token)).Code(t))
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
