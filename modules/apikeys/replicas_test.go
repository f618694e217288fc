package apikeys_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// within waits for the feed, which is polled four times a second.
func within(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 20*time.Millisecond)
}

func TestWhatIsRevokedOnOneReplicaIsRefusedOnTheOther(t *testing.T) {
	t.Parallel()
	here := newRig(t)
	there := &rig{App: testapp.New(t, modules.All(), testapp.Options{Database: here.DatabaseURL()}), owner: here.owner}
	k := here.make(t, here.owner.Token, fields{"permissions": reader})
	token := exchange(t, here, k, "").AccessToken
	get := func(r *rig, token string) testapp.Answer {
		return r.Do(t, testapp.Call{Path: "/api/v1/blog/posts", Token: token})
	}
	for _, r := range []*rig{here, there} {
		require.Equal(t, http.StatusOK, get(r, k.Key).Status)
		require.Equal(t, http.StatusOK, get(r, token).Status)
	}

	admin, _ := here.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	suspend := func(verb string) {
		here.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/tenants/" + here.owner.TenantID.String() + "/" + verb, Token: admin})
	}
	suspend("suspend")
	for _, r := range []*rig{here, there} {
		for _, credential := range []string{k.Key, token} {
			within(t, func() bool { return get(r, credential).Status == http.StatusForbidden })
			require.Equal(t, "tenant.suspended", get(r, credential).Code(t))
		}
	}
	suspend("resume")
	within(t, func() bool { return get(there, k.Key).Status == http.StatusOK })
	within(t, func() bool { return get(there, token).Status == http.StatusOK })

	here.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: path + "/" + k.ID, Token: here.owner.Token})
	for _, credential := range []string{k.Key, token} {
		require.Equal(t, http.StatusUnauthorized, get(here, credential).Status, "at once")
		within(t, func() bool { return get(there, credential).Status == http.StatusUnauthorized })
	}
}
