package auth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func kid(t *testing.T, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	require.NoError(t, err)
	return parsed.Header["kid"].(string)
}

func kids(t *testing.T, app *testapp.App) string {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	require.NoError(t, json.Unmarshal(app.Want(t, http.StatusOK, testapp.Call{Path: "/.well-known/jwks.json"}).Body, &set))
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
	}
	return strings.Join(ids, " ")
}

// Two platforms over one database are two replicas.
func TestANewKeySignsOnEveryReplica(t *testing.T) {
	t.Parallel()
	var keys *auth.Keys
	one := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&keys)}})
	two := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	user := one.Register(t, "ada")
	old := kid(t, user.Token)
	require.Equal(t, old, kids(t, two))

	done, err := keys.Rotate(t.Context(), keys.Overlap())
	require.NoError(t, err)
	both := done.New.ID.String() + " " + old
	for _, app := range []*testapp.App{one, two} { // how soon depends on the machine: the feed is polled four times a second
		require.Eventually(t, func() bool { return kids(t, app) == both }, time.Minute, 10*time.Millisecond)
	}
	for _, app := range []*testapp.App{one, two} {
		token, _ := app.Login(t, user.Email, user.Password)
		require.Equal(t, done.New.ID.String(), kid(t, token))
		for _, other := range []*testapp.App{one, two} {
			other.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: token})
			other.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: user.Token})
		}
	}
	require.Len(t, one.Rows(t, "SELECT id FROM audit_events WHERE permission = 'auth.signing_key.rotate'"), 1)

	third := testapp.New(t, modules.All(), testapp.Options{Database: one.DatabaseURL()})
	require.Equal(t, both, kids(t, third), "a replica that starts during the overlap")
	third.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: user.Token})
}
