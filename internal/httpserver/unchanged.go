package httpserver

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/pkg/web"
)

// unchanged answers 304 instead of 200 when the answer's ETag is in If-None-Match (RFC 9110, section 13.1.2): the handler
// sets the one, and need not know of the other.
func unchanged(c *gin.Context) {
	known := c.Request.Header["If-None-Match"]
	if len(known) == 0 {
		c.Next()
		return
	}
	outer := c.Writer
	c.Writer = &fresh{ResponseWriter: outer, known: known}
	defer func() { c.Writer = outer }()
	c.Next()
}

// fresh is a response whose body is left out when the client has it.
type fresh struct {
	gin.ResponseWriter
	known   []string
	decided bool
	without bool // a body
}

// described are headers that say something about a body. RFC 9110, section 15.4.5 asks for the others.
var described = []string{"Content-Type", "Content-Length", "Content-Encoding"}

func (f *fresh) WriteHeader(status int) {
	tag := f.Header().Get("ETag")
	f.decided = true
	if f.without = status == http.StatusOK && tag != "" && web.Fresh(f.known, tag); f.without {
		for _, name := range described {
			f.Header().Del(name)
		}
		status = http.StatusNotModified
	}
	f.ResponseWriter.WriteHeader(status)
}

func (f *fresh) decide() {
	if !f.decided {
		f.WriteHeader(f.Status())
	}
}

func (f *fresh) WriteHeaderNow() {
	f.decide()
	f.ResponseWriter.WriteHeaderNow()
}

func (f *fresh) Write(b []byte) (int, error) {
	if f.decide(); f.without {
		return len(b), nil
	}
	return f.ResponseWriter.Write(b)
}

func (f *fresh) WriteString(s string) (int, error) {
	if f.decide(); f.without {
		return len(s), nil
	}
	return f.ResponseWriter.WriteString(s)
}

func (f *fresh) Flush() {
	f.decide()
	f.ResponseWriter.Flush()
}

// SetWriteDeadline is for http.ResponseController: whoever sets it streams.
func (f *fresh) SetWriteDeadline(t time.Time) error {
	f.decide()
	return http.NewResponseController(f.ResponseWriter).SetWriteDeadline(t)
}

// Unwrap is for http.ResponseController.
func (f *fresh) Unwrap() http.ResponseWriter { return f.ResponseWriter }
