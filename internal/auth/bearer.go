package auth

import (
	"errors"
	"strings"
)

// Bearer returns the token of an Authorization header (RFC 6750, section 2.1). An absent header is ErrRequired, anything
// but "Bearer" and one token ErrTokenMalformed.
func Bearer(header string) (token string, err error) {
	if header == "" {
		return "", ErrRequired
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.Trim(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", ErrTokenMalformed.Wrap(errors.New("the Authorization header is not a scheme Bearer and one token"))
	}
	return token, nil
}
