package idempotency

import (
	"net/http"
	"strings"

	"github.com/yourorg/platform/pkg/problem"
)

// The headers, in Go's spelling (draft-ietf-httpapi-idempotency-key-header).
const (
	Header   = "Idempotency-Key"
	Replayed = "Idempotency-Replayed"
)

const maxKey = 255 // characters

var errMalformed = problem.New(problem.Malformed, "idempotency.key_malformed", "The Idempotency-Key cannot be read").
	Detailf("Send one key of 1 to %d visible ASCII characters, with quotes around it or without.", maxKey)

// Key returns the key of a request, "" when it has none. The draft makes it a string of RFC 8941, in quotes; most clients
// leave them out, so that both forms are one key.
func Key(h http.Header) (string, error) {
	values := h[Header]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if strings.HasPrefix(key, `"`) {
		var ok bool
		if key, ok = unquote(key); !ok {
			return "", errMalformed
		}
	}
	if len(values) > 1 || len(key) < 1 || len(key) > maxKey {
		return "", errMalformed
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", errMalformed
		}
	}
	return key, nil
}

// unquote reads a string of RFC 8941, section 3.3.3, without parameters.
func unquote(s string) (string, bool) {
	if len(s) < 2 || len(s) > 2*maxKey+2 {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", false
}
