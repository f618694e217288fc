// Package problem is the one error vocabulary that crosses module and HTTP boundaries.
package problem

import (
	"errors"
	"fmt"
	"time"
)

// Kind says who must act. It is the only thing that a transport maps to a status.
type Kind string

// The kinds, in the order of the HTTP statuses they become.
const (
	Malformed            Kind = "malformed"             // 400: it cannot be parsed
	Unauthenticated      Kind = "unauthenticated"       // 401: who are you
	Forbidden            Kind = "forbidden"             // 403: I know you, no
	NotFound             Kind = "not_found"             // 404: also what belongs to another tenant
	MethodNotAllowed     Kind = "method_not_allowed"    // 405
	Conflict             Kind = "conflict"              // 409: the state does not allow it
	PreconditionFailed   Kind = "precondition_failed"   // 412: If-Match is stale
	TooLarge             Kind = "too_large"             // 413
	UnsupportedMedia     Kind = "unsupported_media"     // 415
	Invalid              Kind = "invalid"               // 422: it was understood and is not acceptable
	PreconditionRequired Kind = "precondition_required" // 428: If-Match is missing
	TooMany              Kind = "too_many"              // 429
	Internal             Kind = "internal"              // 500: ours to mend
	Unavailable          Kind = "unavailable"           // 503: the same request may succeed later
)

// Field names one part of the input that is not acceptable.
type Field struct {
	Field   string `json:"field"`   // a path such as "title" or "items.0.name"
	Code    string `json:"code"`    // stable, such as "required" or "too_long"
	Message string `json:"message"` // for people; never contains the value
}

// Problem is safe to show: Code is stable, Title and Detail are for people. The wrapped cause is only logged.
// Declare one per distinct answer as a package variable and return copies made by its methods.
type Problem struct {
	Kind       Kind
	Code       string // "<module>.<what>", such as "blog.post_not_found"
	Title      string
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // sent with 429 and 503, rounded up to whole seconds; 0 means one second. With 409 when it is set

	cause error
}

// New declares a problem.
func New(kind Kind, code, title string) *Problem {
	return &Problem{Kind: kind, Code: code, Title: title}
}

func (p *Problem) Error() string {
	switch {
	case p.cause != nil:
		return fmt.Sprintf("%s: %v", p.Code, p.cause)
	case p.Detail != "":
		return p.Code + ": " + p.Detail
	}
	return p.Code
}

func (p *Problem) Unwrap() error { return p.cause }

// Is matches by Code, so that a wrapped copy still equals the declared value.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// Wrap returns a copy that carries cause, which is logged and never shown.
func (p *Problem) Wrap(cause error) *Problem { c := *p; c.cause = cause; return &c }

// With returns a copy that names the fields at fault.
func (p *Problem) With(fields ...Field) *Problem { c := *p; c.Fields = fields; return &c }

// Detailf returns a copy with a sentence about this occurrence. It is shown to the caller.
func (p *Problem) Detailf(format string, args ...any) *Problem {
	c := *p
	c.Detail = fmt.Sprintf(format, args...)
	return &c
}

// After returns a copy that asks the caller to wait for d before the next try.
func (p *Problem) After(d time.Duration) *Problem { c := *p; c.RetryAfter = d; return &c }

// From finds the Problem in err; anything else becomes an opaque Internal one that carries err.
func From(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return &Problem{Kind: Internal, Code: "internal", Title: "Internal error", cause: err}
}
