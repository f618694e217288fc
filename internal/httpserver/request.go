package httpserver

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/logger"
)

// Keys of what a request carries from one middleware to another.
const (
	problemKey   = "platform.problem"
	operationKey = "platform.operation"
	challengeKey = "platform.challenge" // the WWW-Authenticate of a 401 that has one of its own
	calledKey    = "platform.called"
	cookiesKey   = "platform.cookies"
	siteKey      = "platform.site"     // what metrics call the front end that answers
	unloggedKey  = "platform.unlogged" // the answer is summed up in the log
)

// recovered answers 500 to a panic and reports it. http.ErrAbortHandler goes on: it is how a handler gives up a connection.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.report(c, fmt.Errorf("panic: %v", p), debug.Stack())
			s.recordFailure(c, errPanic)
			write(c, errPanic)
		}
	}()
	c.Next()
}

// report tells of what nobody expected. stack is nil unless it was a panic.
func (s *Server) report(c *gin.Context, err error, stack []byte) {
	operation := ""
	if route := c.FullPath(); route != "" {
		operation = c.Request.Method + " " + route
	}
	s.errors.Report(c.Request.Context(), errorbus.Report{Source: "http", Operation: operation, Err: err, Stack: stack})
}

// identified gives the request its id, its trace id and its client's address.
func (s *Server) identified(c *gin.Context) {
	r := &logger.Request{ID: requestID(c.Request.Header), TraceID: traceID(c.Request.Header), IP: s.proxies.Client(c.Request), UserAgent: c.Request.UserAgent()}
	c.Writer.Header()["X-Request-Id"] = []string{r.ID}
	// A connection that is about to close must not be sent into. And net/http reads a request with chunks and a
	// Content-Length by its chunks and goes on, where RFC 9112, section 6.1 wants the connection to end: a proxy may have read it
	// by its length, and take what follows for somebody else's request. Nothing tells us whether there was a length.
	if s.drains.Load() || len(c.Request.TransferEncoding) > 0 {
		c.Writer.Header()["Connection"] = closing
	}
	ctx := logger.NewContext(c.Request.Context(), r)
	if s.tracer != nil {
		var end func()
		ctx, end = s.begin(ctx, c)
		defer end()
	}
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// requestID keeps an id of 1–128 characters of A–Z a–z 0–9 . _ - and replaces any other: it goes into logs and headers.
func requestID(h http.Header) string {
	if values := h["X-Request-Id"]; len(values) == 1 && wellFormed(values[0]) {
		return values[0]
	}
	return uuid.NewString()
}

func wellFormed(id string) bool {
	if len(id) < 1 || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// traceID reads W3C traceparent, so that the caller's trace is in our log even while we do not trace.
func traceID(h http.Header) string {
	if len(h["Traceparent"]) == 0 {
		return ""
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h))
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}

// secured sets the headers that every answer carries.
func (s *Server) secured(c *gin.Context) {
	s.secure(c.Writer.Header())
	c.Next()
}

func (s *Server) secure(h http.Header) {
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = deny
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = apiPolicy
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["Cache-Control"] = noStore
	if s.cfg.TLS.On() {
		h["Strict-Transport-Security"] = aYear
	}
}

// Shared values: setting them costs no allocation, and nothing changes them in place.
var (
	nosniff    = []string{"nosniff"}
	deny       = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	apiPolicy  = []string{"default-src 'none'; frame-ancestors 'none'"}
	sameOrigin = []string{"same-origin"}
	aYear      = []string{"max-age=31536000"} // RFC 6797
	closing    = []string{"close"}
	noStore    = []string{"no-store"} // answers hold tokens and tenants' data; what may be kept says so itself
)

// limited refuses a body that announces more than the limit of its operation, or everybody's, and cuts off one that turns
// out to be larger.
func (s *Server) limited(op *mounted) gin.HandlerFunc {
	most := s.cfg.bodyLimit(op)
	return func(c *gin.Context) {
		switch {
		case c.Request.Body == nil, c.Request.Body == http.NoBody:
		case c.Request.ContentLength > most:
			s.fail(c, &http.MaxBytesError{Limit: most})
			return
		default:
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
		}
		c.Next()
	}
}
