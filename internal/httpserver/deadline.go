package httpserver

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/pkg/logger"
)

// answers are used again: an answer and its timer are a good part of what a small request costs.
var answers = sync.Pool{New: func() any { return &answer{header: http.Header{}} }}

// ServeHTTP answers a request within its deadline, whatever its handler does. Tests and benchmarks may call it without a
// socket.
//
// With HTTP/1 the handler runs right here, and the timer answers in its place: the client has all of it, and is told that
// the connection closes. An answer of HTTP/2 ends when ServeHTTP returns, so there the handler runs in a goroutine that
// can be left behind. That costs more than all of the rest (6 to 12 µs, most of them for a stack that has to grow), but
// net/http starts a goroutine for each of these requests anyway.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := answers.Get().(*answer)
	a.server, a.w, a.r = s, w, r
	a.unmark()
	whole := false
	defer func() {
		if !whole {
			a.close()
		}
	}()
	if a.r.ProtoMajor >= 2 {
		whole = s.serveApart(a)
	} else {
		s.engine.ServeHTTP(a, a.r)
		whole = true
	}
	if whole {
		a.finish()
		a.reuse()
	}
}

// serveApart tells whether the handler has returned. When it has not, the answer stays with it.
func (s *Server) serveApart(a *answer) (whole bool) {
	a.ended = make(chan end, 2)
	go a.serve(s.engine, a.r)
	switch <-a.ended {
	case returned:
		return true
	case panicked:
		if a.fault == nil {
			a.fault = http.ErrAbortHandler
		}
		panic(a.fault)
	default: // late
		return false
	}
}

// reuse keeps the answer for another request, unless its timer may still be at work.
func (a *answer) reuse() {
	if a.armed && !a.deadline.Stop() {
		return
	}
	clear(a.header)
	if cap(a.held) > 64<<10 {
		a.held = nil
	}
	*a = answer{header: a.header, held: a.held[:0], deadline: a.deadline}
	answers.Put(a)
}

// overdue answers in place of a handler that has not, or not in time. The handler may still be using its own headers.
func (s *Server) overdue(a *answer) {
	h := a.w.Header()
	h["X-Request-Id"] = []string{a.id}
	s.secure(h)
	for i, name := range sharing {
		if len(a.shared[i]) > 0 {
			h[name] = a.shared[i]
		}
	}
	if len(a.policy) > 0 {
		h[policyHeader] = a.policy
	}
	if len(a.limit) > 0 {
		h[limitHeader] = a.limit
	}
	if a.r.ProtoMajor == 1 {
		h["Connection"] = closing // and what is left of the request's body is not waited for
	}
	status, body := present(h, a.r, a.op, "", a.id, errTimeout)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	a.w.WriteHeader(status)
	_, _ = a.w.Write(body)
	_ = http.NewResponseController(a.w).Flush() // what cannot flush does not hold back
}

// timed gives the request its deadline: that of its operation, or everybody's.
func (s *Server) timed(op *mounted) gin.HandlerFunc {
	timeout := s.cfg.RequestTimeout
	if op != nil && op.Timeout > 0 {
		timeout = op.Timeout
	}
	// A connection is cut off some time after the deadline. What may take longer moves that as well.
	longer := timeout > s.cfg.RequestTimeout
	grace := s.cfg.WriteTimeout - s.cfg.RequestTimeout
	return func(c *gin.Context) {
		now := time.Now()
		ctx, cancel := context.WithDeadline(c.Request.Context(), now.Add(timeout))
		defer cancel()
		a := answerOf(c)
		if longer {
			control := http.NewResponseController(a.w)
			_ = control.SetReadDeadline(now.Add(timeout + grace)) // what is no connection has no deadline
			_ = control.SetWriteDeadline(now.Add(timeout + grace))
		}
		c.Request = c.Request.WithContext(ctx)
		a.expect(timeout, op, logger.FromContext(ctx).ID)
		c.Next()
	}
}
