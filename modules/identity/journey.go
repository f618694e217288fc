package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
)

const (
	journeyTTL  = 10 * time.Minute // from here to the identity provider and back
	exchangeTTL = time.Minute      // from the code to the tokens
)

// journey is a sign-in on its way through an identity provider. One secret goes with it in the address, the state and
// then the code; another stays in the browser, so that nobody can send his own sign-in to somebody else.
type journey struct {
	ID        uuid.UUID
	Provider  string // the key of the upstream
	Hash      []byte // SHA-256 of the state, then of the code
	Browser   []byte // SHA-256 of the cookie
	Sealed    []byte // the nonce and the verifier
	ReturnTo  string
	Wish      string     // the tenant to sign in to
	Linking   *uuid.UUID // the user who links an identity; nil to sign in
	CreatedAt time.Time
	ExpiresAt time.Time

	UserID          uuid.UUID // who it turned out to be
	AuthenticatedAt time.Time
}

// pass is the two secrets of a journey.
type pass struct{ secret, cookie string }

func newPass() pass { return pass{secret: newSecret(), cookie: newSecret()} }

// passCookie is the name of the cookie that belongs to a state or code. Each has its own: somebody may sign in in two
// windows.
func passCookie(secure bool, secret string) string {
	sum := sha256.Sum256([]byte(secret))
	name := "platform_federation_" + hex.EncodeToString(sum[:8])
	if secure {
		name = "__Host-" + name
	}
	return name
}

// cookie keeps a pass in the browser. It is lax, whatever the cookies of sessions are: it has to come along when the
// identity provider sends the browser back.
func (p pass) held(rules auth.CookieRules, ttl time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: passCookie(rules.Secure, p.secret), Value: p.cookie, Path: "/", MaxAge: int(ttl.Seconds()),
		Secure: rules.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// forgotten removes the cookie of a state or code.
func forgotten(rules auth.CookieRules, secret string) *http.Cookie {
	c := pass{secret: secret}.held(rules, 0)
	c.MaxAge = -1
	return c
}

// checkReturnTo accepts a path on the front end, and nothing that a browser could take for another host.
func checkReturnTo(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	odd := func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '\\' || r == '#' || r == '<' || r == '>' || r == '"'
	}
	if path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, odd) ||
		strings.Contains(path, "/../") || strings.HasSuffix(path, "/..") {
		return "", identityapi.ErrReturnToInvalid
	}
	return path, nil
}
