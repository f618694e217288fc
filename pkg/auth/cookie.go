package auth

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// CookieRules say how tokens are kept in a browser, out of the reach of its scripts. They are part of the "auth" section.
type CookieRules struct {
	// Secure keeps the cookies to HTTPS, and to localhost. Off, they have other names, without the prefixes that make
	// browsers refuse cookies of neighbouring hosts.
	Secure bool `mapstructure:"secure"`
	// SameSite is strict or lax: whether the cookies come along when somebody follows a link from another site.
	SameSite string `mapstructure:"same_site"`
	// TrustedOrigins are the origins, such as https://app.example.com, whose pages may act with the cookies. Pages of the
	// server's own origin always may.
	TrustedOrigins []string `mapstructure:"trusted_origins"`
}

// DefaultCookieRules are the strict ones.
func DefaultCookieRules() CookieRules {
	return CookieRules{Secure: true, SameSite: "strict", TrustedOrigins: []string{}}
}

// Validate names every key that cannot work.
func (r CookieRules) Validate() error {
	var errs []error
	if r.SameSite != "strict" && r.SameSite != "lax" {
		errs = append(errs, config.Invalid("cookie.same_site", "must be strict or lax"))
	}
	for _, origin := range r.TrustedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			errs = append(errs, config.Invalid("cookie.trusted_origins", "must be origins such as https://app.example.com"))
			break
		}
	}
	return errors.Join(errs...)
}

// Access is the cookie that holds an access token, for every operation. A Max-Age below zero removes it.
func (r CookieRules) Access(token string, age time.Duration) *http.Cookie {
	return r.cookie(r.AccessName(), token, "/", age)
}

// Refresh is the cookie that holds a refresh token. Only the operations below path get it.
func (r CookieRules) Refresh(token, path string, age time.Duration) *http.Cookie {
	return r.cookie(r.RefreshName(), token, path, age)
}

// AccessName is the name of the access cookie. The prefix makes a browser accept it only for exactly this host, over
// HTTPS (RFC 6265bis, section 4.1.3).
func (r CookieRules) AccessName() string { return r.prefixed("__Host-", "platform_access") }

// RefreshName is the name of the refresh cookie.
func (r CookieRules) RefreshName() string { return r.prefixed("__Secure-", "platform_refresh") }

func (r CookieRules) prefixed(prefix, name string) string {
	if r.Secure {
		return prefix + name
	}
	return name
}

func (r CookieRules) cookie(name, value, path string, age time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: name, Value: value, Path: path, Secure: r.Secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(age.Seconds()),
	}
	if r.SameSite == "lax" {
		c.SameSite = http.SameSiteLaxMode
	}
	return c
}
