package httpserver

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/yourorg/platform/internal/problemdoc"
	"github.com/yourorg/platform/pkg/problem"
)

// oauthError is an error as RFC 6749, section 5.2 has it.
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// oauthScheme begins the codes of problems that have a name in RFC 6749.
const oauthScheme = "oauth."

// presentOAuth is for an operation that speaks OAuth 2.0. What is wrong with the request itself is 400, whatever it is.
func presentOAuth(header http.Header, p *problem.Problem, status int) (int, []byte) {
	name, known := strings.CutPrefix(p.Code, oauthScheme)
	switch {
	case p.Kind == problem.Unauthenticated:
		name = "invalid_client"
		header.Set("WWW-Authenticate", `Basic realm="platform", charset="UTF-8"`)
	case p.Kind == problem.TooMany, p.Kind == problem.Unavailable:
		name = "temporarily_unavailable"
		header.Set("Retry-After", problemdoc.RetryAfter(p))
	case status >= http.StatusInternalServerError:
		name = "server_error"
	default:
		if status != http.StatusRequestEntityTooLarge {
			status = http.StatusBadRequest
		} else {
			header.Set("Connection", "close") // the rest of the body will not be read
		}
		if p.Kind == problem.Forbidden {
			name = "unauthorized_client"
		} else if !known {
			name = "invalid_request"
		}
	}
	body, err := json.Marshal(oauthError{Error: name, Description: description(p)})
	if err != nil { // two texts always encode
		body = []byte(`{}`)
	}
	header.Set("Content-Type", "application/json")
	return status, body
}

// description is made of the characters that the standard allows.
func description(p *problem.Problem) string {
	text := p.Title
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	for _, f := range p.Fields {
		text += "; " + f.Field + " " + f.Message
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '\''
		}
		return r
	}, text)
}
