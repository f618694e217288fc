// Package problemdoc is how a problem is answered (RFC 9457), by every listener alike.
package problemdoc

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yourorg/platform/pkg/problem"
)

// statuses is the one place where a kind becomes a status.
var statuses = map[problem.Kind]int{
	problem.Malformed:            http.StatusBadRequest,
	problem.Unauthenticated:      http.StatusUnauthorized,
	problem.Forbidden:            http.StatusForbidden,
	problem.NotFound:             http.StatusNotFound,
	problem.MethodNotAllowed:     http.StatusMethodNotAllowed,
	problem.Conflict:             http.StatusConflict,
	problem.PreconditionFailed:   http.StatusPreconditionFailed,
	problem.TooLarge:             http.StatusRequestEntityTooLarge,
	problem.UnsupportedMedia:     http.StatusUnsupportedMediaType,
	problem.Invalid:              http.StatusUnprocessableEntity,
	problem.PreconditionRequired: http.StatusPreconditionRequired,
	problem.TooMany:              http.StatusTooManyRequests,
	problem.Internal:             http.StatusInternalServerError,
	problem.Unavailable:          http.StatusServiceUnavailable,
}

// Status is what a kind becomes; 500 for one that is not known.
func Status(kind problem.Kind) int {
	if status, ok := statuses[kind]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// RetryAfter is the header of a 429 or 503, in whole seconds, at least one.
func RetryAfter(p *problem.Problem) string {
	return strconv.Itoa(int(math.Ceil(max(p.RetryAfter, time.Second).Seconds())))
}

// Document is the wire form.
type Document struct {
	Type      string          `json:"type"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail,omitempty"`
	Instance  string          `json:"instance"`
	Code      string          `json:"code"`
	RequestID string          `json:"request_id"`
	Errors    []problem.Field `json:"errors,omitempty"`
}

// New is the document of p for a request of this path and id.
func New(p *problem.Problem, escapedPath, requestID string) Document {
	return Document{
		Type: "urn:problem:" + p.Code, Title: p.Title, Status: Status(p.Kind), Detail: p.Detail,
		Instance: Cut(escapedPath), Code: p.Code, RequestID: requestID, Errors: p.Fields,
	}
}

// JSON encodes the document.
func (d Document) JSON() []byte {
	body, err := json.Marshal(d)
	if err != nil { // a document of strings and numbers always encodes
		return []byte(`{}`)
	}
	return body
}

// maxPath is how much of a path is repeated, in answers and in the log: a request may have a megabyte of it.
const maxPath = 512 // bytes

// Cut shortens a path.
func Cut(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}
