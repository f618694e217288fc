package web

import (
	"context"
	"net/http"

	"github.com/yourorg/platform/pkg/problem"
)

// The answers to requests with cookies that may not have been meant by who the cookies belong to.
var (
	ErrCrossOrigin = problem.New(problem.Forbidden, "auth.cross_origin", "Pages of other origins may not do this")
	ErrCSRF        = problem.New(problem.Forbidden, "auth.csrf", "The CSRF token is missing or wrong")
)

// Cookies are those of a request, and those that its answer sets once the operation has committed.
type Cookies struct {
	request *http.Request
	foreign error
	set     []*http.Cookie
}

type cookiesKey struct{}

// NewContext returns a context that carries the cookies of r. foreign says why r must not use them, or is nil. The
// platform calls it; modules do not.
func NewContext(ctx context.Context, r *http.Request, foreign error) (context.Context, *Cookies) {
	c := &Cookies{request: r, foreign: foreign}
	return context.WithValue(ctx, cookiesKey{}, c), c
}

// CookiesOf returns the cookies of the request in ctx. Only an operation whose contract says x-cookies: true has any.
// ErrCrossOrigin means that a page of another origin has sent a request that changes something: neither may it rely on
// a cookie that the browser added, nor plant one.
func CookiesOf(ctx context.Context) (*Cookies, error) {
	c, ok := ctx.Value(cookiesKey{}).(*Cookies)
	if !ok {
		return &Cookies{request: &http.Request{}}, nil
	}
	if c.foreign != nil {
		return nil, ErrCrossOrigin.Wrap(c.foreign)
	}
	return c, nil
}

// Get returns the value of a cookie that was sent once, and "" of any other.
func (c *Cookies) Get(name string) string { return Cookie(c.request, name) }

// Set adds a cookie to the answer.
func (c *Cookies) Set(cookie *http.Cookie) { c.set = append(c.set, cookie) }

// Write puts what was set into the header of the answer.
func (c *Cookies) Write(h http.Header) {
	for _, cookie := range c.set {
		h.Add("Set-Cookie", cookie.String())
	}
}

// Cookie returns the value of a cookie that r has once, and "" of any other: of two by one name, one may have been
// planted by a neighbouring host.
func Cookie(r *http.Request, name string) string {
	if len(r.Header["Cookie"]) == 0 {
		return ""
	}
	if named := r.CookiesNamed(name); len(named) == 1 {
		return named[0].Value
	}
	return ""
}
