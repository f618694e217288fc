package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// people are the users of a real OpenID provider.
type people map[string]*storage.User

func (p people) GetUserByID(id string) *storage.User         { return p[id] }
func (p people) GetUserByUsername(name string) *storage.User { return p[name] }
func (people) ExampleClientID() string                       { return "" }

var loginID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// The whole way with a provider that somebody else has written: discovery, a page to sign in, the code with PKCE, the
// keys, and the user info, which is where this one has the address.
func TestPeopleSignInWithARealOpenIDProvider(t *testing.T) {
	t.Parallel()
	var serve atomic.Pointer[http.Handler]
	op := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*serve.Load()).ServeHTTP(w, r) }))
	t.Cleanup(op.Close)
	s := newSite(t, "identity.oidc.custom.issuers=real="+op.URL, "identity.oidc.custom.client_ids=real=web", "identity.oidc.custom.client_secrets=real=secret")
	users := people{"ada": {ID: "ada", Username: "ada", Password: "verysecure", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.com", EmailVerified: true}}
	store := storage.NewStorageWithClients(users, map[string]*storage.Client{
		"web": storage.WebClient("web", "secret", s.url+"/api/v1/auth/oidc/real/callback"),
	})
	handler := http.Handler(exampleop.SetupServer(op.URL, store, nil, false))
	serve.Store(&handler)

	b := s.window(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.start("real", "?return_to=/home"), http.NoBody)
	require.NoError(t, err)
	answer, err := b.Do(r)
	require.NoError(t, err)
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, op.Listener.Addr().String(), answer.Request.URL.Host, "%s", page)
	id := loginID.FindSubmatch(page)
	require.NotNil(t, id, "%s", page)
	form := url.Values{"id": {string(id[1])}, "username": {"ada"}, "password": {"verysecure"}}
	r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, op.URL+"/login/username", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err = b.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	back, err := answer.Location()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(back.String(), s.url+"/home#code="), back)
	got, fault := b.exchange(t, strings.TrimPrefix(back.Fragment, "code="))
	require.Empty(t, fault)
	who := whoAmI(t, s.App, got.Access)
	require.Equal(t, "ada@example.com", who.User.Email)
	require.Equal(t, []map[string]string{{"provider": "real", "issuer": op.URL, "subject": "ada"}}, s.Rows(t, "SELECT provider, issuer, subject FROM identity_federated"))
}

func TestPeopleSignInWithGitHub(t *testing.T) {
	t.Parallel()
	var asked url.Values
	addresses := []fields{
		{"email": "old@example.com", "primary": false, "verified": true}, {"email": "Octo@example.com", "primary": true, "verified": true},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		http.Redirect(w, r, asked.Get("redirect_uri")+"?code=c&state="+asked.Get("state"), http.StatusFound)
	})
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if r.PostFormValue("client_secret") != "hub secret" || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") {
			answer(w, http.StatusOK, fields{"error": "bad_verification_code"}) // as GitHub says no
			return
		}
		answer(w, http.StatusOK, fields{"access_token": "gho_x", "token_type": "bearer"})
	})
	mux.HandleFunc("GET /api/user", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer gho_x" {
			answer(w, http.StatusUnauthorized, nil)
			return
		}
		answer(w, http.StatusOK, fields{"id": 583231, "login": "octocat", "name": nil, "email": "evil@example.com"})
	})
	mux.HandleFunc("GET /api/user/emails", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, addresses) })
	hub := httptest.NewServer(mux)
	t.Cleanup(hub.Close)
	s := newSite(t, "identity.oidc.github.client_id=hub", "identity.oidc.github.client_secret=hub secret",
		"identity.oidc.github.url="+hub.URL, "identity.oidc.github.api_url="+hub.URL+"/api")
	got, fault := s.window(t).signIn(t, "github", "")
	require.Empty(t, fault)
	who := whoAmI(t, s.App, got.Access)
	require.Equal(t, "octo@example.com", who.User.Email)
	require.Equal(t, "octocat", who.User.Name)
	require.Equal(t, "read:user user:email", asked.Get("scope"))
	addresses[1]["email"] = "renamed@example.com"
	got, fault = s.window(t).signIn(t, "github", "")
	require.Empty(t, fault)
	require.Equal(t, who.User.ID, whoAmI(t, s.App, got.Access).User.ID)
	tamper(t, s.App, "DELETE FROM identity_federated")
	addresses[1]["verified"] = false
	_, fault = s.window(t).signIn(t, "github", "")
	require.Equal(t, "identity.email_not_vouched", fault)
}

func TestAMicrosoftTokenBelongsToTheDirectoryThatItNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, "identity.oidc.microsoft.client_id="+opClient, "identity.oidc.microsoft.client_secret="+opSecret,
		"identity.oidc.microsoft.directory=organizations", "identity.oidc.microsoft.authority=OP")
	s.op.set(func() { s.op.issuer = s.op.URL + "/{tenantid}/v2.0" })
	one, other := uuid.NewString(), uuid.NewString()
	for name, test := range map[string]struct {
		tid, in string
		edov    any
		fault   string
	}{
		"its own":                           {one, one, true, ""},
		"as Microsoft spells it":            {one, one, "1", ""},
		"another":                           {one, other, true, "identity.sign_in_failed"},
		"none":                              {"", "", true, "identity.sign_in_failed"},
		"a path":                            {"../x", "../x", true, "identity.sign_in_failed"},
		"an address that nobody has proved": {one, one, nil, "identity.email_not_vouched"},
	} {
		s.op.says("ada@example.com", fields{
			"sub": name, "tid": test.tid, "iss": s.op.URL + "/" + test.in + "/v2.0", "email_verified": nil, "xms_edov": test.edov,
		})
		_, fault := s.window(t).signIn(t, "microsoft", "")
		require.Equal(t, test.fault, fault, name)
	}
}
