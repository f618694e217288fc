package httpserver

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/contract"
	pkgauth "github.com/yourorg/platform/pkg/auth"
)

const (
	authorization = "Authorization"
	apiKey        = "X-Api-Key" // as net/http spells it
)

// presented tells whether a request says who sends it, well or badly.
func presented(h http.Header) bool { return len(h[apiKey]) > 0 || h.Get(authorization) != "" }

// credentials reads the one header that says who calls. Of two, another server on the way might have checked the other.
func credentials(h http.Header) (string, error) {
	if len(h[authorization])+len(h[apiKey]) > 1 {
		return "", auth.ErrTokenMalformed.Wrap(errors.New("there are several headers with credentials"))
	}
	if keys := h[apiKey]; len(keys) == 1 {
		if !strings.HasPrefix(keys[0], pkgauth.KeyScheme) { // an access token is no key, wherever it stands
			return "", auth.ErrKeyMalformed
		}
		return keys[0], nil
	}
	return auth.Bearer(h.Get(authorization))
}

// admitKey lets a caller by key, or by a token of one, through to what keys may call. An operation has to be open to keys
// before any of them gets there.
func admitKey(c *gin.Context, caller *pkgauth.Caller) error {
	if caller.Key == nil {
		return nil
	}
	v, _ := c.Get(operationKey)
	if op, ok := v.(*mounted); ok && (op.Keys == contract.AllKeys || op.Keys == contract.PersonalKeys && caller.Key.Personal) {
		return nil
	}
	return pkgauth.ErrSessionRequired
}
