package httpserver

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/auth"
	pkgauth "github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// csrfHeader carries what a page has to know beside the cookie that its browser adds by itself.
const csrfHeader = "X-Csrf-Token"

// cookies is what the server knows about tokens in cookies.
type cookies struct {
	access  string // the name of the cookie
	origins *http.CrossOriginProtection
}

func newCookies(rules pkgauth.CookieRules) (*cookies, error) {
	c := &cookies{access: rules.AccessName(), origins: http.NewCrossOriginProtection()}
	for _, origin := range rules.TrustedOrigins {
		if err := c.origins.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// caller proves who has sent r: by its headers or, when those say nothing, by the cookie of a browser. A token is good
// for one of the two only: one that was stolen from a page's memory cannot be planted as a cookie, nor a cookie be used
// without the checks below.
func (s *Server) caller(r *http.Request) (*pkgauth.Caller, error) {
	if !presented(r.Header) {
		if token := web.Cookie(r, s.cookies.access); token != "" {
			return s.cookieCaller(r, token)
		}
	}
	token, err := credentials(r.Header)
	if err != nil {
		return nil, err
	}
	caller, err := s.tokens.Verify(r.Context(), token)
	if err == nil && caller.CSRF != "" {
		return nil, auth.ErrTokenMalformed.Wrap(errors.New("it was issued for a cookie"))
	}
	return caller, err
}

// cookieCaller asks of a request that changes something to come from a page of ours, twice: the browser says which
// page has sent it, and the page knows the session's CSRF token, which it could only read as a page of ours.
func (s *Server) cookieCaller(r *http.Request, token string) (*pkgauth.Caller, error) {
	caller, err := s.tokens.Verify(r.Context(), token)
	switch {
	case err != nil:
		return nil, err
	case caller.CSRF == "":
		return nil, auth.ErrTokenMalformed.Wrap(errors.New("it was not issued for a cookie"))
	case safe(r.Method):
		return caller, nil
	}
	if err := s.cookies.origins.Check(r); err != nil {
		return nil, web.ErrCrossOrigin.Wrap(err)
	}
	sent := r.Header[csrfHeader]
	if len(sent) != 1 || subtle.ConstantTimeCompare([]byte(sent[0]), []byte(caller.CSRF)) != 1 {
		return nil, web.ErrCSRF
	}
	return caller, nil
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// presented tells whether a request says who sends it, by header or by cookie.
func (s *Server) presented(r *http.Request) bool {
	return presented(r.Header) || web.Cookie(r, s.cookies.access) != ""
}

// cookied gives the cookies of the request to an operation that asks for them in its contract.
func (s *Server) cookied(c *gin.Context) {
	ctx, jar := web.NewContext(c.Request.Context(), c.Request, s.cookies.origins.Check(c.Request))
	c.Set(cookiesKey, jar)
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// answerCookies sets the cookies of an operation that has succeeded: one that was rolled back leaves none.
func answerCookies(next module.Handler) module.Handler {
	return func(c *gin.Context, request any) (any, error) {
		response, err := next(c, request)
		if jar, ok := c.Get(cookiesKey); ok && err == nil {
			jar.(*web.Cookies).Write(c.Writer.Header())
		}
		return response, err
	}
}
