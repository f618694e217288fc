package identity_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

func TestSomebodyNewRegistersWithAProviderAndComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.op.says("Ada@Example.com")
	first, fault := s.window(t).signIn(t, "corp", "?return_to=/welcome")
	require.Empty(t, fault)
	ada := whoAmI(t, s.App, first.Access)
	require.Equal(t, "ada@example.com", ada.User.Email)
	require.Equal(t, []string{"owner"}, ada.Roles)
	s.Mail(t, "ada@example.com", "identity.identity_linked")

	s.op.says("ada@elsewhere.example", fields{"sub": "sub-Ada@Example.com"})
	again, fault := s.window(t).signIn(t, "corp", "")
	require.Empty(t, fault)
	require.Equal(t, ada.User.ID, whoAmI(t, s.App, again.Access).User.ID, "the subject counts, not the address")
	require.Len(t, s.Rows(t, "SELECT id FROM identity_federated"), 1)
	require.Empty(t, s.Rows(t, "SELECT id FROM identity_federations"))
	signedIn(t, s.App, refresh(again.Refresh))
	answer := s.Do(t, login("ada@example.com", ""))
	require.Equal(t, http.StatusUnauthorized, s.Do(t, login("ada@example.com", "any password")).Status, "there is no password")
	require.NotEqual(t, http.StatusOK, answer.Status)
}

func TestAccountsAreClaimedOnlyWhenBothSidesHaveProvedTheAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ada, squatted := s.verified(t, s.Register(t, "ada")), s.Register(t, "bob")
	for name, test := range map[string]struct {
		email string
		more  fields
		fault string
	}{
		"a verified address":                    {ada.Email, nil, ""},
		"an unverified one":                     {ada.Email, fields{"sub": "x", "email_verified": false}, "identity.email_not_vouched"},
		"one of which nothing is said":          {ada.Email, fields{"sub": "x", "email_verified": nil}, "identity.email_not_vouched"},
		"no address":                            {ada.Email, fields{"sub": "x", "email": ""}, "identity.email_not_vouched"},
		"what is no address":                    {ada.Email, fields{"sub": "x", "email": `"` + ada.Email + `"@evil.com`}, "identity.email_not_vouched"},
		"an account that anybody may have made": {squatted.Email, nil, "identity.link_required"},
	} {
		s.op.says(test.email, test.more)
		got, fault := s.window(t).signIn(t, "corp", "")
		require.Equal(t, test.fault, fault, name)
		if fault == "" {
			require.Equal(t, ada.ID, whoAmI(t, s.App, got.Access).User.ID)
		}
	}
	require.Len(t, s.Rows(t, "SELECT id FROM identity_federated"), 1)
	tamper(t, s.App, "UPDATE identity_users SET disabled_at = CURRENT_TIMESTAMP WHERE id = '"+ada.ID.String()+"'")
	s.op.says(ada.Email)
	_, fault := s.window(t).signIn(t, "corp", "")
	require.Equal(t, "identity.user_disabled", fault)
}

func TestRegistrationCanBeClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "identity.registration=false")
	s.op.says("new@example.com")
	_, fault := s.window(t).signIn(t, "corp", "")
	require.Equal(t, "identity.registration_closed", fault)
	require.Empty(t, s.Rows(t, "SELECT id FROM identity_users WHERE email = 'new@example.com'"))
}

func TestForgedAnswersOfAProviderAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ada := s.verified(t, s.Register(t, "ada"))
	before := s.Rows(t, "SELECT id FROM identity_sessions")
	hmac := func(c jwt.Claims) string {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(s.op.key.N.Bytes())
		require.NoError(t, err)
		return signed
	}
	none := func(c jwt.Claims) string {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
		require.NoError(t, err)
		return signed
	}
	const failed = "identity.sign_in_failed"
	for name, test := range map[string]struct {
		more  fields
		sign  func(jwt.Claims) string
		back  func(url.Values)
		fault string
	}{
		"another sign-in's nonce":      {more: fields{"nonce": "other"}, fault: failed},
		"no nonce":                     {more: fields{"nonce": ""}, fault: failed},
		"another issuer":               {more: fields{"iss": "https://accounts.google.com"}, fault: failed},
		"another client's token":       {more: fields{"aud": "other"}, fault: failed},
		"several clients, no azp":      {more: fields{"aud": []string{opClient, "other"}}, fault: failed},
		"authorized to another client": {more: fields{"azp": "other"}, fault: failed},
		"expired":                      {more: fields{"exp": time.Now().Add(-time.Minute).Unix()}, fault: failed},
		"of the future":                {more: fields{"iat": time.Now().Add(time.Hour).Unix()}, fault: failed},
		"no subject":                   {more: fields{"sub": ""}, fault: failed},
		"an endless subject":           {more: fields{"sub": strings.Repeat("x", 300)}, fault: failed},
		"signed with the public key":   {sign: hmac, fault: failed},
		"not signed":                   {sign: none, fault: failed},
		"no token":                     {sign: func(jwt.Claims) string { return "" }, fault: failed},
		"another issuer on the way":    {back: func(q url.Values) { q.Set("iss", "https://evil.example") }, fault: failed},
		"no issuer on the way":         {back: func(q url.Values) { q.Del("iss") }, fault: failed},
		"access denied":                {back: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, fault: "identity.sign_in_denied"},
		"another state":                {back: func(q url.Values) { q.Set("state", "x") }, fault: "identity.sign_in_state"},
		"no state":                     {back: func(q url.Values) { q.Del("state") }, fault: "identity.sign_in_state"},
	} {
		s.op.says(ada.Email, test.more)
		s.op.set(func() {
			s.op.sign, s.op.back = s.op.rs256, test.back
			if test.sign != nil {
				s.op.sign = test.sign
			}
		})
		_, fault := s.window(t).signIn(t, "corp", "")
		require.Equal(t, test.fault, fault, name)
	}
	require.Equal(t, before, s.Rows(t, "SELECT id FROM identity_sessions"))
	require.Empty(t, s.Rows(t, "SELECT id FROM identity_federated"))
	s.op.says(ada.Email)
	s.op.set(func() {
		s.op.sign, s.op.back = s.op.rs256, func(url.Values) { s.op.asked.Set("code_challenge", "other") }
	})
	_, fault := s.window(t).signIn(t, "corp", "")
	require.Equal(t, failed, fault, "a code that somebody else has asked for (PKCE)")
}

// A sign-in belongs to the browser that began it, from beginning to end, and every secret of it is good once.
func TestASignInIsGoodOnceInOneBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.op.says("ada@example.com")
	var brought string
	s.op.set(func() { s.op.back = func(q url.Values) { brought = q.Encode() } })
	mine, theirs := s.window(t), s.window(t)
	stop := mine.CheckRedirect
	mine.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return stop(r, via)
	}
	callback, _, _ := mine.visit(t, s.start("corp", ""))
	require.Equal(t, brought, callback.RawQuery)
	require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, callback.Query().Get("state"))

	page, _, _ := theirs.visit(t, callback.String())
	require.Equal(t, "error=identity.sign_in_state", page.Fragment, "the state is of another browser")
	elsewhere := strings.Replace(callback.String(), "/corp/", "/"+uuid.NewString()+"/", 1)
	page, _, _ = mine.visit(t, elsewhere)
	require.Equal(t, "error=identity.sign_in_state", page.Fragment, "the state is another provider's")

	again := s.window(t)
	mine.CheckRedirect = stop
	callback, _, _ = func() (*url.URL, int, string) {
		mine.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if strings.HasSuffix(r.URL.Path, "/callback") {
				return http.ErrUseLastResponse
			}
			return stop(r, via)
		}
		defer func() { mine.CheckRedirect = stop }()
		return mine.visit(t, s.start("corp", "?return_to=/a?b=c"))
	}()
	at, err := url.Parse(s.url)
	require.NoError(t, err)
	again.Jar.SetCookies(at, mine.Jar.Cookies(at)) // the same browser, before the cookie is removed
	page, _, _ = mine.visit(t, callback.String())
	require.True(t, strings.HasPrefix(page.String(), s.url+"/a?b=c#code="), page)
	code := strings.TrimPrefix(page.Fragment, "code=")
	replayed, _, _ := again.visit(t, callback.String())
	require.Equal(t, "error=identity.sign_in_state", replayed.Fragment, "the state was used")

	_, fault := theirs.exchange(t, code)
	require.Equal(t, "identity.sign_in_expired", fault, "the code is of another browser")
	again.Jar.SetCookies(at, mine.Jar.Cookies(at))
	got, fault := mine.exchange(t, code)
	require.Empty(t, fault)
	whoAmI(t, s.App, got.Access)
	_, fault = again.exchange(t, code)
	require.Equal(t, "identity.sign_in_expired", fault, "the code was used")
}

func TestWhatTakesTooLongHasToBeBegunAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.op.says("ada@example.com")
	b := s.window(t)
	page, _, _ := b.visit(t, s.start("corp", ""))
	tamper(t, s.App, "UPDATE identity_federations SET expires_at = created_at")
	_, fault := b.exchange(t, strings.TrimPrefix(page.Fragment, "code="))
	require.Equal(t, "identity.sign_in_expired", fault)
	s.op.set(func() {
		s.op.back = func(url.Values) { tamper(t, s.App, "UPDATE identity_federations SET expires_at = created_at") }
	})
	_, fault = b.signIn(t, "corp", "")
	require.Equal(t, "identity.sign_in_state", fault)
}

func TestASignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{
		"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "evil.example",
		"/a\r\nSet-Cookie: x=y", "/a\x00", "/ü", " /a", "/a b", "@evil.example", ".evil.example", ":80@evil.example/", "/../x", "/a/..", "/a#code=x", "/%",
	} {
		answer := s.Do(t, testapp.Call{Path: "/api/v1/auth/oidc/corp/start?return_to=" + url.QueryEscape(path)})
		if path == "/%" {
			require.Equal(t, http.StatusFound, answer.Status)
			continue
		}
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%q: %s", path, answer.Header.Get("Location"))
	}
	for _, provider := range []string{"none", uuid.NewString(), "google", strings.ToUpper(uuid.NewString())} {
		require.Equal(t, "identity.provider_unknown", s.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/auth/oidc/" + provider + "/start"}).Code(t))
	}
}

func TestAProviderThatDoesNotAnswerIsSaidToBeAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.op.set(func() { s.op.down = true })
	answer := s.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/api/v1/auth/oidc/corp/start"})
	require.Equal(t, "identity.provider_unavailable", answer.Code(t))
	require.Equal(t, "30", answer.Header.Get("Retry-After"))
	s.op.set(func() { s.op.down, s.op.issuer = false, "https://accounts.google.com" })
	s.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/api/v1/auth/oidc/corp/start"})
	s.op.set(func() { s.op.issuer = "" })
	s.Want(t, http.StatusFound, testapp.Call{Path: "/api/v1/auth/oidc/corp/start"})
	s.op.says("ada@example.com")
	s.op.set(func() { s.op.back = func(url.Values) { s.op.down = true } })
	_, fault := s.window(t).signIn(t, "corp", "")
	require.Equal(t, "identity.provider_unavailable", fault)
}

func TestWhoHasSignedInLinksAndUnlinksIdentities(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ada := s.Register(t, "ada") // whose address is not proved: she has to sign in to link
	link := func(b *window, token string) *url.URL {
		t.Helper()
		var start struct{ URL string }
		answer := s.Want(t, http.StatusOK, call("POST", "/api/v1/me/identities", token, fields{"provider": "corp", "return_to": "/me"}))
		answer.JSON(t, &start)
		at, err := url.Parse(s.url)
		require.NoError(t, err)
		b.Jar.SetCookies(at, (&http.Response{Header: answer.Header}).Cookies())
		page, _, _ := b.visit(t, start.URL)
		return page
	}
	s.op.says("other@example.com")
	require.Equal(t, s.url+"/me#linked=corp", link(s.window(t), ada.Token).String())
	s.Mail(t, ada.Email, "identity.identity_linked")
	got, fault := s.window(t).signIn(t, "corp", "")
	require.Empty(t, fault)
	require.Equal(t, ada.ID, whoAmI(t, s.App, got.Access).User.ID)
	var mine struct {
		Items []struct{ ID, Provider, Email string }
	}
	s.Want(t, http.StatusOK, call("GET", "/api/v1/me/identities", ada.Token, nil)).JSON(t, &mine)
	require.Len(t, mine.Items, 1)
	require.Equal(t, "other@example.com", mine.Items[0].Email)
	require.Contains(t, string(s.Want(t, http.StatusOK, call("GET", "/api/v1/me/export", ada.Token, nil)).Body), "other@example.com")

	bob := s.Register(t, "bob")
	require.Equal(t, "error=identity.identity_taken", link(s.window(t), bob.Token).Fragment)
	s.Want(t, http.StatusNotFound, call("DELETE", "/api/v1/me/identities/"+mine.Items[0].ID, bob.Token, nil))
	s.Want(t, http.StatusNoContent, call("DELETE", "/api/v1/me/identities/"+mine.Items[0].ID, ada.Token, nil))
	tamper(t, s.App, "UPDATE identity_users SET email_verified_at = NULL")

	s.op.says("new@example.com")
	fresh, _ := s.window(t).signIn(t, "corp", "")
	s.Want(t, http.StatusOK, call("GET", "/api/v1/me/identities", fresh.Access, nil)).JSON(t, &mine)
	answer := s.Want(t, http.StatusConflict, call("DELETE", "/api/v1/me/identities/"+mine.Items[0].ID, fresh.Access, nil))
	require.Equal(t, "identity.last_identity", answer.Code(t))
	s.op.says("again@example.com", fields{"auth_time": time.Now().Add(-time.Hour).Unix()})
	stale, _ := s.window(t).signIn(t, "corp", "")
	answer = s.Want(t, http.StatusForbidden, call("POST", "/api/v1/me/identities", stale.Access, fields{"provider": "corp"}))
	require.Equal(t, "identity.sign_in_again", answer.Code(t))
}

func TestWithoutAFrontEndTheProblemItselfIsTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, "identity.public_url=")
	answer := s.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/auth/oidc/corp/callback?state=x&code=y"})
	require.Equal(t, "identity.sign_in_state", answer.Code(t))
}
