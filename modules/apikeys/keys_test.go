package apikeys_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
)

func TestAKeyDoesWhatItListsAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": []string{"blog.post.create", "blog.post.read"}})
	require.Equal(t, "tenant", k.Kind)
	require.Equal(t, k.Key[:15], k.Prefix)
	require.NotNil(t, k.ExpiresAt)

	var post struct {
		ID       string
		AuthorID string `json:"author_id"`
	}
	call := testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: k.Key, Body: fields{"title": "x"}}
	r.Want(t, http.StatusCreated, call).JSON(t, &post)
	require.Equal(t, k.ID, post.AuthorID, "it acts by itself")
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
	denied := r.Want(t, http.StatusForbidden, testapp.Call{Method: "DELETE", Path: "/api/v1/blog/posts/" + post.ID, Token: k.Key})
	require.Equal(t, "authz.denied", denied.Code(t))
	trail := r.Rows(t, "SELECT actor, outcome FROM audit_events WHERE actor = '"+k.ID+"' ORDER BY id")
	require.Equal(t, []map[string]string{{"actor": k.ID, "outcome": "succeeded"}, {"actor": k.ID, "outcome": "denied"}}, trail)

	for _, call := range []testapp.Call{
		{Path: "/api/v1/me"},
		{Method: "POST", Path: path, Body: fields{"name": "x", "permissions": reader}},
		{Method: "POST", Path: path + "/" + k.ID + "/rotate", Body: fields{"overlap_seconds": 1}},
	} {
		call.Token = k.Key
		require.Equal(t, "identity.session_required", r.Want(t, http.StatusForbidden, call).Code(t), call.Path)
	}

	answer := r.Want(t, http.StatusOK, testapp.Call{Path: path + "/current", Token: k.Key})
	require.NotContains(t, string(answer.Body), k.Key[16:])
	r.Want(t, http.StatusNotFound, testapp.Call{Path: path + "/current", Token: r.owner.Token})
	require.NotContains(t, string(r.Want(t, http.StatusOK, testapp.Call{Path: path, Token: r.owner.Token}).Body), k.Key[16:])

	// It is independent of whoever made it.
	require.NoError(t, r.Grants.Unassign(t.Context(), r.owner.TenantID, r.owner.ID, authz.Owner))
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
}

func TestAPersonalKeyHoldsNoMoreThanItsUserDoesNow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"kind": "personal", "permissions": []string{"blog.*"}})
	require.Equal(t, r.owner.ID.String(), *k.UserID)
	require.Contains(t, k.Permissions, "blog.post.delete")
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
	require.NoError(t, r.Grants.Unassign(t.Context(), r.owner.TenantID, r.owner.ID, authz.Owner))
	r.refused(t, k.Key, http.StatusForbidden, "authz.denied")
}

func TestNobodyHandsOnWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.NoError(t, r.Grants.Unassign(t.Context(), r.owner.TenantID, r.owner.ID, authz.Owner))
	require.NoError(t, r.Grants.Assign(t.Context(), r.owner.TenantID, r.owner.ID, authz.Member))
	for name, c := range map[string]struct {
		body   fields
		status int
		code   string
	}{
		"a member makes a tenant's key":      {fields{"permissions": reader}, 403, "authz.denied"},
		"a permission that is not held":      {fields{"kind": "personal", "permissions": []string{"blog.post.delete"}}, 403, "access.permission_not_held"},
		"a wildcard beyond what is held":     {fields{"kind": "personal", "permissions": []string{"*"}}, 403, "access.permission_not_held"},
		"a permission that is not there":     {fields{"kind": "personal", "permissions": []string{"blog.post.eat"}}, 422, "access.permission_unknown"},
		"a time in the past":                 {fields{"kind": "personal", "permissions": reader, "expires_at": "2020-01-01T00:00:00Z"}, 422, "apikeys.key_unacceptable"},
		"a time beyond the longest":          {fields{"kind": "personal", "permissions": reader, "expires_at": "2999-01-01T00:00:00Z"}, 422, "apikeys.key_unacceptable"},
		"an address that is none":            {fields{"kind": "personal", "permissions": reader, "allowed_ips": []string{"everywhere"}}, 422, "apikeys.key_unacceptable"},
		"a network that mixes both families": {fields{"kind": "personal", "permissions": reader, "allowed_ips": []string{"::ffff:1.2.3.4/64"}}, 422, "apikeys.key_unacceptable"},
		"another tenant by mass assignment":  {fields{"kind": "personal", "permissions": reader, "tenant_id": uuid.NewString()}, 422, "request.invalid"},
		"another user by mass assignment":    {fields{"kind": "personal", "permissions": reader, "user_id": uuid.NewString()}, 422, "request.invalid"},
	} {
		c.body["name"] = name
		answer := r.Want(t, c.status, testapp.Call{Method: "POST", Path: path, Token: r.owner.Token, Body: c.body})
		require.Equal(t, c.code, answer.Code(t), name)
	}
	require.Empty(t, r.Rows(t, "SELECT id FROM apikeys_keys"))
	k := r.make(t, r.owner.Token, fields{"kind": "personal", "permissions": []string{"blog.post.update"}})
	require.Equal(t, []string{"blog.post.update"}, k.Permissions, "held for own posts, as the key will be")

	require.NoError(t, r.Grants.Assign(t.Context(), r.owner.TenantID, r.owner.ID, authz.PlatformAdmin))
	require.NoError(t, r.Grants.Assign(t.Context(), r.owner.TenantID, r.owner.ID, authz.Owner))
	answer := r.Want(t, http.StatusForbidden, testapp.Call{
		Method: "POST", Path: path, Token: r.owner.Token, Body: fields{"name": "x", "permissions": []string{"identity.tenant.suspend"}},
	})
	require.Equal(t, "access.permission_not_held", answer.Code(t), "a tenant's key is never the operator")
}

func TestAKeyIsRefusedFromAForbiddenAddressAndThatIsOnRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": reader, "allowed_ips": []string{"198.51.100.7", "2001:db8::1/32", "198.51.100.7/32"}})
	require.Equal(t, []string{"198.51.100.7/32", "2001:db8::/32"}, k.AllowedIPs)
	for range 2 {
		answer := r.posts(t, k.Key, "192.0.2.1")
		require.Equal(t, http.StatusForbidden, answer.Status)
		require.Equal(t, "apikeys.ip_forbidden", answer.Code(t))
		require.Equal(t, http.StatusOK, r.posts(t, k.Key, "198.51.100.7").Status)
		require.Equal(t, http.StatusOK, r.posts(t, k.Key, "[::ffff:198.51.100.7]").Status)
		require.Equal(t, http.StatusOK, r.posts(t, k.Key, "[2001:db8:ffff::1]").Status)
	}
	trail := r.Rows(t, "SELECT outcome, ip, tenant_id FROM audit_events WHERE permission = 'apikeys.key.use'")
	require.Len(t, trail, 2)
	require.Equal(t, map[string]string{"outcome": "denied", "ip": "192.0.2.1", "tenant_id": r.owner.TenantID.String()}, trail[0])

	r.Want(t, http.StatusOK, testapp.Call{Method: "PATCH", Path: path + "/" + k.ID, Token: r.owner.Token, Body: fields{"allowed_ips": []string{}}})
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status, "at once")
}

func TestCredentialsAreOneHeaderThatIsWellFormed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": reader})
	typo := []byte(k.Key)
	typo[20] = '0' + (typo[20]+1)%10
	for name, c := range map[string]struct {
		header http.Header
		code   string
	}{
		"both headers":            {http.Header{"Authorization": {"Bearer " + k.Key}, "X-Api-Key": {k.Key}}, "auth.token_malformed"},
		"the same header twice":   {http.Header{"X-Api-Key": {k.Key, k.Key}}, "auth.token_malformed"},
		"a token as a key":        {http.Header{"X-Api-Key": {r.owner.Token}}, "auth.key_malformed"},
		"an empty key":            {http.Header{"X-Api-Key": {""}}, "auth.key_malformed"},
		"a typing error":          {http.Header{"X-Api-Key": {string(typo)}}, "auth.key_malformed"},
		"a key that nobody made":  {http.Header{"X-Api-Key": {string(auth.NewKeyText())}}, "auth.key_invalid"},
		"a key for another sign":  {http.Header{"Authorization": {"Basic " + k.Key}}, "auth.token_malformed"},
		"a key with more than it": {http.Header{"X-Api-Key": {k.Key + "0"}}, "auth.key_malformed"},
	} {
		request := httptest.NewRequest(http.MethodGet, "/api/v1/blog/posts", http.NoBody)
		request.Header = c.header
		answer := r.Send(t, request)
		require.Equal(t, http.StatusUnauthorized, answer.Status, name)
		require.Equal(t, `Bearer realm="platform", error="invalid_token"`, answer.Header.Get("WWW-Authenticate"), name)
		require.Equal(t, c.code, answer.Code(t), name)
	}
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
}

func TestARotatedKeyOverlapsAndADeletedOneIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.make(t, r.owner.Token, fields{"permissions": reader})
	rotate := func(seconds int) (k key) {
		call := testapp.Call{Method: "POST", Path: path + "/" + first.ID + "/rotate", Token: r.owner.Token, Body: fields{"overlap_seconds": seconds}}
		r.Want(t, http.StatusOK, call).JSON(t, &k)
		return k
	}
	require.Equal(t, http.StatusOK, r.posts(t, first.Key, "192.0.2.1").Status)
	second := rotate(3600)
	require.Len(t, second.Secrets, 2)
	for _, k := range []key{first, second} {
		require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
	}
	third := rotate(3600)
	require.Len(t, third.Secrets, 2)
	r.refused(t, first.Key, http.StatusUnauthorized, "auth.key_invalid")
	require.Equal(t, http.StatusOK, r.posts(t, second.Key, "192.0.2.1").Status)
	fourth := rotate(0)
	r.refused(t, third.Key, http.StatusUnauthorized, "auth.key_invalid")
	require.Equal(t, http.StatusOK, r.posts(t, fourth.Key, "192.0.2.1").Status)

	r.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: path + "/" + first.ID, Token: r.owner.Token})
	r.refused(t, fourth.Key, http.StatusUnauthorized, "auth.key_invalid")
	r.Want(t, http.StatusNotFound, testapp.Call{Method: "DELETE", Path: path + "/" + first.ID, Token: r.owner.Token})
}

func TestAKeyExpiresAlsoWhereItIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": reader, "expires_at": time.Now().Add(5 * time.Second).Format(time.RFC3339Nano)})
	require.Equal(t, http.StatusOK, r.posts(t, k.Key, "192.0.2.1").Status)
	require.Eventually(t, func() bool { return r.posts(t, k.Key, "192.0.2.1").Status == http.StatusUnauthorized }, time.Minute, 50*time.Millisecond)
	r.refused(t, k.Key, http.StatusUnauthorized, "auth.key_expired")
}

func TestItIsKnownWhenAndFromWhereAKeyWasUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": reader})
	r.posts(t, k.Key, "192.0.2.77")
	require.Eventually(t, func() bool {
		var seen key
		r.Want(t, http.StatusOK, testapp.Call{Path: path + "/" + k.ID, Token: r.owner.Token}).JSON(t, &seen)
		return seen.LastUsedAt != nil && *seen.LastUsedIP == "192.0.2.77"
	}, time.Minute, 100*time.Millisecond)
}

func TestGuessingKeysIsBoundedByAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": reader})
	r.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: path + "/" + k.ID, Token: r.owner.Token})
	statuses := map[int]int{}
	for range 80 {
		statuses[r.posts(t, k.Key, "203.0.113.9").Status]++
	}
	require.GreaterOrEqual(t, statuses[http.StatusUnauthorized], 60)
	require.NotZero(t, statuses[http.StatusTooManyRequests])
	require.Equal(t, http.StatusUnauthorized, r.posts(t, k.Key, "203.0.113.10").Status, "others are not concerned")
}
