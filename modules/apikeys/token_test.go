package apikeys_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

type issued struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string
}

func basic(id, secret string) map[string]string {
	return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
}

func exchange(t *testing.T, r *rig, k key, scope string) (out issued) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {"ignored"}}
	if scope != "" {
		form.Set("scope", scope)
	}
	answer := r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/oauth/token", Body: form, Header: basic(k.ID, k.Key)})
	require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	answer.JSON(t, &out)
	return out
}

func TestATokenOfAKeyIsNarrowerThanTheKeyAndNoSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := r.make(t, r.owner.Token, fields{"permissions": []string{"blog.post.read", "blog.post.create"}})
	whole, narrow := exchange(t, r, k, ""), exchange(t, r, k, "blog.post.read")
	require.Equal(t, "Bearer", whole.TokenType)
	require.Equal(t, "blog.post.create blog.post.read", whole.Scope)
	require.Equal(t, "blog.post.read", narrow.Scope)
	require.Positive(t, whole.ExpiresIn)
	create := testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: whole.AccessToken, Body: fields{"title": "x"}}
	for range 2 {
		r.Want(t, http.StatusCreated, create)
		r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts", Token: narrow.AccessToken})
	}
	create.Token = narrow.AccessToken
	require.Equal(t, "authz.denied", r.Want(t, http.StatusForbidden, create).Code(t))
	for _, call := range []testapp.Call{
		{Path: "/api/v1/me"}, {Method: "POST", Path: "/api/v1/auth/logout"}, {Path: "/api/v1/me/sessions"},
	} {
		call.Token = whole.AccessToken
		require.Equal(t, "identity.session_required", r.Want(t, http.StatusForbidden, call).Code(t))
	}
}

func TestTheTokenEndpointAnswersAsTheStandardSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, testapp.Options{Set: []string{"ratelimit.public_per_minute=1000"}})
	k := r.make(t, r.owner.Token, fields{"permissions": reader})
	mine := r.make(t, r.owner.Token, fields{"permissions": reader, "kind": "personal"})
	token := exchange(t, r, k, "").AccessToken
	grant := func(more ...string) url.Values {
		form := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/oauth/token", Body: grant("client_id", k.ID, "client_secret", k.Key)})
	for name, c := range map[string]struct {
		body   any
		header map[string]string
		status int
		code   string
	}{
		"nobody":                     {grant(), nil, 401, "invalid_client"},
		"another client's id":        {grant(), basic(mine.ID, k.Key), 401, "invalid_client"},
		"a wrong secret":             {grant(), basic(k.ID, k.Key+"x"), 401, "invalid_client"},
		"a personal key":             {grant(), basic(mine.ID, mine.Key), 401, "invalid_client"},
		"a token as a secret":        {grant("client_id", k.ID, "client_secret", "x"), nil, 401, "invalid_client"},
		"a token by basic":           {grant(), basic(k.ID, token[:200]), 401, "invalid_client"},
		"no base64":                  {grant(), map[string]string{"Authorization": "Basic %%%"}, 401, "invalid_client"},
		"two ways at once":           {grant("client_id", k.ID, "client_secret", k.Key), basic(k.ID, k.Key), 400, "invalid_request"},
		"an unknown client":          {grant(), basic(uuid.NewString(), k.Key), 401, "invalid_client"},
		"another grant":              {url.Values{"grant_type": {"password"}}, basic(k.ID, k.Key), 400, "unsupported_grant_type"},
		"no grant":                   {url.Values{"scope": {"x"}}, basic(k.ID, k.Key), 400, "invalid_request"},
		"more than the key has":      {grant("scope", "blog.post.read blog.post.delete"), basic(k.ID, k.Key), 400, "invalid_scope"},
		"a field twice":              {url.Values{"grant_type": {"client_credentials", "client_credentials"}}, basic(k.ID, k.Key), 400, "invalid_request"},
		"json":                       {fields{"grant_type": "client_credentials"}, basic(k.ID, k.Key), 400, "invalid_request"},
		"a form that does not parse": {"grant_type=%zz", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 400, "invalid_request"},
	} {
		answer := r.Want(t, c.status, testapp.Call{Method: "POST", Path: "/oauth/token", Body: c.body, Header: c.header})
		var refusal struct{ Error string }
		answer.JSON(t, &refusal)
		require.Equal(t, c.code, refusal.Error, "%s: %s", name, answer.Body)
		if c.status == http.StatusUnauthorized {
			require.Contains(t, answer.Header.Get("WWW-Authenticate"), "Basic ", name)
		}
		require.NotContains(t, string(answer.Body), k.Key[16:])
	}
}
