package httpserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/web"
)

// The mistakes of a middleware. The answer says nothing about them.
var (
	errUnanswered = errors.New("has neither called next nor answered")
	errAgain      = errors.New("has called next a second time, or too late: nothing was done")
	errForeign    = errors.New("a middleware has called next with a context that does not descend from the request's")
)

// passage is one request's way through one middleware: the writer that this is given, and how the rest of the chain is
// found from the context.
//
// The lock is for a middleware that calls next in another goroutine and does not wait, as http.TimeoutHandler does: the
// request ends when next has returned, and what comes later finds it closed.
type passage struct {
	gin.ResponseWriter
	server    *Server
	c         *gin.Context
	name      string
	validated bool // the body is one that the contract accepts
	answered  bool

	mu     sync.Mutex
	called bool
}

// proceed is the next of every middleware.
func (s *Server) proceed(w http.ResponseWriter, r *http.Request) {
	p, ok := web.FailerFrom(r.Context()).(*passage)
	if !ok {
		s.errors.Report(r.Context(), errorbus.Report{Source: "http", Operation: r.Pattern, Err: errForeign})
		return
	}
	p.next(w, r)
}

func (p *passage) next(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.called {
		p.server.errors.Report(r.Context(), errorbus.Report{Source: "http", Operation: r.Pattern, Err: fmt.Errorf("middleware %s %w", p.name, errAgain)})
		return
	}
	p.called = true
	c := p.c
	if p.validated {
		r.Body = c.Request.Body // what was checked, and nothing else
		if body, ok := r.Body.(io.Seeker); ok {
			_, _ = body.Seek(0, io.SeekStart) // a body in memory
		}
	}
	c.Request = r
	if w == http.ResponseWriter(p) {
		c.Next()
		return
	}
	outer := c.Writer
	inner := &rewritten{ResponseWriter: outer, w: w, status: http.StatusOK}
	c.Writer = inner
	defer func() { c.Writer = outer }()
	c.Next()
	inner.WriteHeaderNow()
}

// settle is called when the middleware has returned. It waits for a next that still runs.
func (p *passage) settle() {
	p.mu.Lock()
	called := p.called
	p.called = true
	p.mu.Unlock()
	if called {
		return
	}
	p.c.Abort()
	if !p.answered {
		p.server.fail(p.c, fmt.Errorf("middleware %s %w", p.name, errUnanswered))
	}
}

// end closes the passage, whatever has become of it, and gives gin its own writer back.
func (p *passage) end(outer gin.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.called = true
	p.c.Writer = outer
}

// Fail implements web.Failer.
func (p *passage) Fail(w http.ResponseWriter, r *http.Request, err error) {
	p.answered = true
	outer := p.c.Writer
	defer func() { p.c.Writer = outer }()
	p.c.Request = r
	if w != http.ResponseWriter(p) {
		inner := &rewritten{ResponseWriter: outer, w: w, status: http.StatusOK}
		p.c.Writer = inner
	}
	p.server.fail(p.c, err)
}

// WriteHeader implements http.ResponseWriter.
func (p *passage) WriteHeader(status int) {
	p.answered = true
	p.ResponseWriter.WriteHeader(status)
}

func (p *passage) Write(b []byte) (int, error) {
	p.answered = true
	return p.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (p *passage) WriteString(s string) (int, error) {
	p.answered = true
	return p.ResponseWriter.WriteString(s)
}

// Flush implements http.Flusher.
func (p *passage) Flush() {
	p.answered = true
	p.ResponseWriter.Flush()
}

// Hijack implements http.Hijacker.
func (p *passage) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	p.answered = true
	return p.ResponseWriter.Hijack()
}

// Unwrap is for http.ResponseController.
func (p *passage) Unwrap() http.ResponseWriter { return p.ResponseWriter }
