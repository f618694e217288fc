package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const accessCookie, refreshCookie = "__Host-platform_access", "__Secure-platform_refresh"

// browser is a page of ours, with the cookies that its browser keeps.
type browser struct {
	app  *testapp.App
	jar  map[string]*http.Cookie
	csrf string
}

// open signs a browser in.
func open(t *testing.T, app *testapp.App, u testapp.User) *browser {
	t.Helper()
	b := &browser{app: app, jar: map[string]*http.Cookie{}}
	call := login(u.Email, u.Password)
	call.Body.(fields)["transport"] = "cookie"
	b.learn(t, app.Want(t, http.StatusOK, call))
	return b
}

// learn keeps what an answer sets. No token is in its body.
func (b *browser) learn(t *testing.T, answer testapp.Answer) {
	t.Helper()
	for _, c := range (&http.Response{Header: answer.Header}).Cookies() {
		b.jar[c.Name] = c
		if c.Value != "" {
			require.NotContains(t, string(answer.Body), c.Value)
		}
	}
	var body struct {
		CSRF string `json:"csrf_token"`
		Type string `json:"token_type"`
	}
	answer.JSON(t, &body)
	require.Equal(t, "Cookie", body.Type)
	require.NotEmpty(t, body.CSRF)
	b.csrf = body.CSRF
}

// sends adds to a call what the browser and the page send along.
func (b *browser) sends(call testapp.Call) testapp.Call {
	var pairs []string
	for name, c := range b.jar {
		if c.MaxAge > 0 && strings.HasPrefix(call.Path, c.Path) {
			pairs = append(pairs, name+"="+c.Value)
		}
	}
	header := map[string]string{"Cookie": strings.Join(pairs, "; "), "X-CSRF-Token": b.csrf, "Sec-Fetch-Site": "same-origin"}
	for name, value := range call.Header {
		header[name] = value
	}
	call.Header = header
	return call
}

func post(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: token, Body: fields{"title": "Hello"}}
}

var refreshByCookie = testapp.Call{Method: "POST", Path: "/api/v1/auth/refresh"}

func TestABrowserKeepsItsTokensOutOfTheReachOfScripts(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "ada")
	b := open(t, app, u)
	for name, path := range map[string]string{accessCookie: "/", refreshCookie: "/api/v1/auth"} {
		c := b.jar[name]
		require.NotNil(t, c, name)
		require.True(t, c.HttpOnly && c.Secure && c.SameSite == http.SameSiteStrictMode && c.Domain == "", name)
		require.Equal(t, path, c.Path, name)
		require.Positive(t, c.MaxAge, name)
	}
	app.Want(t, http.StatusOK, b.sends(me("")))
	app.Want(t, http.StatusCreated, b.sends(post("")))

	var sessions struct{ Items []struct{ Current bool } }
	app.Want(t, http.StatusOK, b.sends(testapp.Call{Path: "/api/v1/me/sessions"})).JSON(t, &sessions)
	require.Len(t, sessions.Items, 2, "the same sessions as those of bearers")

	first := *b
	first.jar = map[string]*http.Cookie{refreshCookie: b.jar[refreshCookie]}
	b.learn(t, app.Want(t, http.StatusOK, b.sends(refreshByCookie)))
	require.Equal(t, first.csrf, b.csrf, "it is the same as long as the session lives")
	require.NotEqual(t, first.jar[refreshCookie].Value, b.jar[refreshCookie].Value)
	app.Want(t, http.StatusOK, b.sends(me("")))

	var known struct {
		CSRF string `json:"csrf_token"`
	}
	app.Want(t, http.StatusOK, b.sends(testapp.Call{Path: "/api/v1/auth/csrf"})).JSON(t, &known)
	require.Equal(t, b.csrf, known.CSRF)

	answer := app.Want(t, http.StatusNoContent, b.sends(logout("")))
	gone := (&http.Response{Header: answer.Header}).Cookies()
	require.Len(t, gone, 2)
	for _, c := range gone {
		require.Negative(t, c.MaxAge, c.Name)
	}
	require.Equal(t, "auth.token_revoked", app.Want(t, http.StatusUnauthorized, b.sends(me(""))).Code(t))
	require.Equal(t, "identity.refresh_invalid", app.Want(t, http.StatusUnauthorized, b.sends(refreshByCookie)).Code(t))
	require.Equal(t, "identity.refresh_missing", app.Want(t, http.StatusUnauthorized, refreshByCookie).Code(t))
}

func TestASwitchOfTenantsStaysInCookies(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "ada")
	var second struct{ ID string }
	app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/tenants", Token: u.Token, Body: fields{"name": "Second"},
	}).JSON(t, &second)
	b := open(t, app, u)
	b.learn(t, app.Want(t, http.StatusOK, b.sends(testapp.Call{
		Method: "POST", Path: "/api/v1/auth/switch", Body: fields{"tenant": second.ID},
	})))
	var p profile
	app.Want(t, http.StatusOK, b.sends(me(""))).JSON(t, &p)
	require.Equal(t, second.ID, p.Tenant.ID.String())
}

func TestNoOtherPageCanUseTheCookiesOfABrowser(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u, eve := app.Register(t, "ada"), app.Register(t, "eve")
	b, hers := open(t, app, u), open(t, app, eve)
	bearer, _ := app.Login(t, u.Email, u.Password)
	before := app.Rows(t, "SELECT id FROM blog_posts")
	for name, attack := range map[string]struct {
		header map[string]string
		code   string
	}{
		"a form of another site":                 {map[string]string{"Sec-Fetch-Site": "cross-site"}, "auth.cross_origin"},
		"a form of a neighbour":                  {map[string]string{"Sec-Fetch-Site": "same-site"}, "auth.cross_origin"},
		"an older browser on another site":       {map[string]string{"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, "auth.cross_origin"},
		"a page without an origin":               {map[string]string{"Sec-Fetch-Site": "", "Origin": "null"}, "auth.cross_origin"},
		"a page that does not know the token":    {map[string]string{"X-CSRF-Token": ""}, "auth.csrf"},
		"a page that guesses":                    {map[string]string{"X-CSRF-Token": "guess"}, "auth.csrf"},
		"a page that knows its own user's token": {map[string]string{"X-CSRF-Token": hers.csrf}, "auth.csrf"},
	} {
		for _, call := range []testapp.Call{post(""), refreshByCookie, logout("")} {
			call.Header = attack.header
			require.Equal(t, attack.code, app.Want(t, http.StatusForbidden, b.sends(call)).Code(t), "%s: %s", name, call.Path)
		}
	}
	for name, call := range map[string]testapp.Call{
		"a cookie's token as a bearer": {Path: "/api/v1/me", Token: b.jar[accessCookie].Value},
		"a bearer token as a cookie":   {Path: "/api/v1/me", Header: map[string]string{"Cookie": accessCookie + "=" + bearer}},
	} {
		require.Equal(t, "auth.token_malformed", app.Want(t, http.StatusUnauthorized, call).Code(t), name)
	}
	planted := map[string]string{"Cookie": accessCookie + "=" + b.jar[accessCookie].Value + "; " + accessCookie + "=" + hers.jar[accessCookie].Value}
	require.Equal(t, "auth.required", app.Want(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Header: planted}).Code(t))

	// Nor can another page sign the browser in as somebody else.
	call := login(eve.Email, eve.Password)
	call.Body.(fields)["transport"] = "cookie"
	call.Header = map[string]string{"Sec-Fetch-Site": "cross-site"}
	answer := app.Want(t, http.StatusForbidden, call)
	require.Equal(t, "auth.cross_origin", answer.Code(t))
	require.Empty(t, answer.Header["Set-Cookie"])

	require.Equal(t, before, app.Rows(t, "SELECT id FROM blog_posts"))
	app.Want(t, http.StatusCreated, b.sends(post("")))
}

func TestATrustedOriginMayActAndCookiesMayBePlain(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{
		"auth.cookie.trusted_origins=https://app.example.com", "auth.cookie.secure=false", "auth.cookie.same_site=lax",
	}})
	b := open(t, app, app.Register(t, "ada"))
	require.False(t, b.jar["platform_access"].Secure)
	require.Equal(t, http.SameSiteLaxMode, b.jar["platform_refresh"].SameSite)
	call := post("")
	call.Header = map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://app.example.com"}
	app.Want(t, http.StatusCreated, b.sends(call))
	call.Header["Origin"] = "https://app.example.com.evil.example"
	app.Want(t, http.StatusForbidden, b.sends(call))
}
