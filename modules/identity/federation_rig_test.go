package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// opClient is the client that the platform is at every provider of these tests.
const opClient, opSecret = "platform-client", "platform secret"

// liar is an OpenID provider that says whatever a test wants. What it does not lie about it does by the book: it checks
// the client's secret and the PKCE verifier.
type liar struct {
	*httptest.Server

	key *rsa.PrivateKey

	mu     sync.Mutex
	asked  url.Values     // the latest authorization request
	claims map[string]any // of the ID token; beside the usual ones, which they replace
	sign   func(jwt.Claims) string
	back   func(query url.Values) // changes what the browser brings back
	issuer string                 // in the discovery document; its address when empty
	down   bool
}

var opKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newLiar(t *testing.T) *liar {
	t.Helper()
	o := &liar{key: opKey(), claims: map[string]any{}}
	o.sign = o.rs256
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{path...}", o.discovery)
	mux.HandleFunc("GET /keys", o.keys)
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", o.token)
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *liar) rs256(c jwt.Claims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = "one"
	signed, err := token.SignedString(o.key)
	if err != nil {
		panic(err)
	}
	return signed
}

// says makes the provider vouch for an address, with further claims.
func (o *liar) says(email string, more ...fields) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = fields{"sub": "sub-" + email, "email": email, "email_verified": true, "name": "Ada Lovelace"}
	for _, m := range more {
		for name, value := range m {
			o.claims[name] = value
		}
	}
}

func (o *liar) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (o *liar) discovery(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	base, found := strings.CutSuffix(r.URL.Path, "/.well-known/openid-configuration")
	if !found || o.down {
		answer(w, http.StatusServiceUnavailable, nil)
		return
	}
	issuer := o.issuer
	if issuer == "" {
		issuer = o.URL + base
	}
	answer(w, http.StatusOK, fields{
		"issuer": issuer, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
	})
}

func (o *liar) keys(w http.ResponseWriter, _ *http.Request) {
	public := o.key.PublicKey
	answer(w, http.StatusOK, fields{"keys": []fields{{
		"kty": "RSA", "kid": "one", "use": "sig", "n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}}})
}

func (o *liar) authorize(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = r.URL.Query()
	q := url.Values{"code": {uuid.NewString()}, "state": {o.asked.Get("state")}, "iss": {o.URL}, "session_state": {"x"}}
	if o.back != nil {
		o.back(q)
	}
	http.Redirect(w, r, o.asked.Get("redirect_uri")+"?"+q.Encode(), http.StatusFound)
}

func (o *liar) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case o.down:
		answer(w, http.StatusServiceUnavailable, nil)
		return
	case id != opClient || secret != opSecret:
		answer(w, http.StatusUnauthorized, fields{"error": "invalid_client"})
		return
	case o.asked.Get("code_challenge_method") != "S256" || base64.RawURLEncoding.EncodeToString(sum[:]) != o.asked.Get("code_challenge"):
		answer(w, http.StatusBadRequest, fields{"error": "invalid_grant"})
		return
	}
	claims := jwt.MapClaims{
		"iss": o.URL, "aud": opClient, "nonce": o.asked.Get("nonce"), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	for name, value := range o.claims {
		claims[name] = value
	}
	answer(w, http.StatusOK, fields{"access_token": "at", "token_type": "Bearer", "id_token": o.sign(claims)})
}

// site is a platform that browsers reach over a socket.
type site struct {
	*testapp.App

	url string
	op  *liar
}

// newSite has the provider of the operator "corp". More settings may follow, in which OP is the address of the liar.
func newSite(t *testing.T, set ...string) *site {
	t.Helper()
	s := &site{op: newLiar(t)}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.App.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	s.url = front.URL
	all := map[string]string{
		"identity.public_url": s.url, "auth.cookie.secure": "false", "outbound.allowed_networks": "127.0.0.0/8", "ratelimit.public_per_minute": "1000",
		"identity.oidc.custom.issuers": "corp=" + s.op.URL, "identity.oidc.custom.client_ids": "corp=" + opClient,
		"identity.oidc.custom.client_secrets": "corp=" + opSecret,
	}
	for _, setting := range set {
		key, value, _ := strings.Cut(setting, "=")
		all[key] = strings.ReplaceAll(value, "OP", s.op.URL)
	}
	var options testapp.Options
	for key, value := range all {
		options.Set = append(options.Set, key+"="+value)
	}
	s.App = testapp.New(t, modules.All(), options)
	return s
}

// window is a browser that keeps cookies and follows redirects until it is on a page of the front end.
type window struct {
	*http.Client

	site *site
}

func (s *site) window(t *testing.T) *window {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &window{site: s, Client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), s.url) && !strings.HasPrefix(r.URL.Path, "/api/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// visit goes to an address. It returns where that ended: the page of the front end, or the status and code of a problem.
func (b *window) visit(t *testing.T, address string) (page *url.URL, status int, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	answer, err := b.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	if answer.StatusCode == http.StatusFound {
		page, err = answer.Location()
		require.NoError(t, err)
		return page, answer.StatusCode, ""
	}
	var p struct{ Code string }
	_ = json.NewDecoder(answer.Body).Decode(&p)
	return nil, answer.StatusCode, p.Code
}

func (s *site) start(provider, query string) string {
	return s.url + "/api/v1/auth/oidc/" + provider + "/start" + query
}

// signIn goes all the way, and returns the code of the problem that is told to the front end when it does not work out.
func (b *window) signIn(t *testing.T, provider, query string) (tokens, string) {
	t.Helper()
	page, status, code := b.visit(t, b.site.start(provider, query))
	require.Equal(t, http.StatusFound, status, code)
	if fault, failed := strings.CutPrefix(page.Fragment, "error="); failed {
		require.Equal(t, "/sign-in", page.Path)
		return tokens{}, fault
	}
	return b.exchange(t, strings.TrimPrefix(page.Fragment, "code="))
}

func (b *window) exchange(t *testing.T, code string) (got tokens, fault string) {
	t.Helper()
	body, err := json.Marshal(fields{"code": code})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.site.url+"/api/v1/auth/oidc/exchange", strings.NewReader(string(body)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := b.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	if answer.StatusCode == http.StatusOK {
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
		return got, ""
	}
	var p struct{ Code string }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&p))
	return got, p.Code
}

// verified marks the address of a user as proved.
func (s *site) verified(t *testing.T, user testapp.User) testapp.User {
	t.Helper()
	tamper(t, s.App, "UPDATE identity_users SET email_verified_at = CURRENT_TIMESTAMP WHERE id = '"+user.ID.String()+"'")
	return user
}
