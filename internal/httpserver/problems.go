package httpserver

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/problemdoc"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
)

// What the platform itself answers, before any module is asked.
var (
	errRouteUnknown  = problem.New(problem.NotFound, "request.route_unknown", "There is nothing at this address")
	errMethod        = problem.New(problem.MethodNotAllowed, "request.method_not_allowed", "The method is not allowed here")
	errTooLarge      = problem.New(problem.TooLarge, "request.too_large", "The request body is too large")
	errTimeout       = problem.New(problem.Unavailable, "request.timeout", "The request took too long")
	errMediaType     = problem.New(problem.UnsupportedMedia, "request.media_type", "The content type is not accepted")
	errUnexpected    = problem.New(problem.Invalid, "request.body_unexpected", "This operation takes no request body")
	errBodyMissing   = problem.New(problem.Malformed, "request.body_missing", "The request body is missing")
	errBodyMalformed = problem.New(problem.Malformed, "request.body_malformed", "The request body cannot be parsed")
	errBodyRead      = problem.New(problem.Malformed, "request.body_incomplete", "The request body did not arrive whole")
	errEncoding      = problem.New(problem.Malformed, "request.encoding", "The request is not valid UTF-8")
	errQuery         = problem.New(problem.Malformed, "request.query_malformed", "The query string cannot be parsed")
	errInvalid       = problem.New(problem.Invalid, "request.invalid", "The request is not acceptable")
	errPanic         = problem.New(problem.Internal, "internal", "Internal error")
)

// write answers with p, in place of what the handler has answered. When some of that has already gone out, the connection
// is given up: nobody must take a part for the whole.
func write(c *gin.Context, p *problem.Problem) {
	c.Abort()
	c.Set(problemKey, p)
	w, a := http.ResponseWriter(c.Writer), answerOf(c)
	if !a.takeBack() {
		panic(http.ErrAbortHandler)
	}
	if c.Writer.Written() {
		w = a // gin's own writer believes that it has written
	} else {
		strip(w.Header()) // a middleware may have put other headers in front
	}
	var op *mounted
	if v, ok := c.Get(operationKey); ok {
		op = v.(*mounted)
	}
	id := ""
	if r := logger.FromContext(c.Request.Context()); r != nil {
		id = r.ID
	}
	status, body := present(w.Header(), c.Request, op, c.GetString(challengeKey), id, p)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// present sets the headers of a problem's answer and makes its body. A challenge is what a 401 asks for, when it is not
// the usual.
func present(header http.Header, r *http.Request, op *mounted, challenge, id string, p *problem.Problem) (status int, body []byte) {
	status = problemdoc.Status(p.Kind)
	header["Cache-Control"] = noStore
	if op != nil && op.OAuth {
		return presentOAuth(header, p, status)
	}
	switch p.Kind {
	case problem.Unauthenticated:
		if challenge == "" {
			challenge = `Bearer realm="platform"`
			if presented(r.Header) {
				challenge += `, error="invalid_token"` // RFC 6750, section 3.1
			}
		}
		header.Set("WWW-Authenticate", challenge)
	case problem.TooMany, problem.Unavailable:
		header.Set("Retry-After", problemdoc.RetryAfter(p))
	case problem.Conflict:
		if p.RetryAfter > 0 { // most conflicts do not go away by waiting
			header.Set("Retry-After", problemdoc.RetryAfter(p))
		}
	case problem.TooLarge:
		header.Set("Connection", "close") // the rest of the body will not be read
	}
	header.Set("Content-Type", "application/problem+json")
	return status, problemdoc.New(p, r.URL.EscapedPath(), id).JSON()
}

// translate finds the problem in err. When the request's own deadline has passed that is what happened, whatever the
// handler made of it.
func translate(ctx context.Context, err error) *problem.Problem {
	p := problem.From(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || p.Kind == problem.Internal && errors.Is(err, context.DeadlineExceeded) {
		return errTimeout.Wrap(err)
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge.Detailf("At most %d bytes are accepted.", tooLarge.Limit).Wrap(err)
	}
	return p
}
