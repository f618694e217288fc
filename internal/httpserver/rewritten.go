package httpserver

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// rewritten is gin's writer over the one that a middleware has put around its own.
type rewritten struct {
	gin.ResponseWriter // the writer below both
	w                  http.ResponseWriter
	status             int
	size               int
	wrote              bool
}

func (r *rewritten) Header() http.Header { return r.w.Header() }
func (r *rewritten) Status() int         { return r.status }
func (r *rewritten) Size() int           { return r.size }
func (r *rewritten) Written() bool       { return r.wrote }

// WriteHeader keeps the status until something is written, as gin's does.
func (r *rewritten) WriteHeader(status int) {
	if status > 0 && !r.wrote {
		r.status = status
	}
}

func (r *rewritten) WriteHeaderNow() {
	if !r.wrote {
		r.wrote = true
		r.w.WriteHeader(r.status)
	}
}

func (r *rewritten) Write(b []byte) (int, error) {
	r.WriteHeaderNow()
	n, err := r.w.Write(b)
	r.size += n
	return n, err
}

func (r *rewritten) WriteString(s string) (int, error) {
	r.WriteHeaderNow()
	n, err := io.WriteString(r.w, s)
	r.size += n
	return n, err
}

func (r *rewritten) Flush() {
	r.WriteHeaderNow()
	_ = http.NewResponseController(r.w).Flush() // what cannot flush does not hold back
}

// SetWriteDeadline is for http.ResponseController: whoever sets it streams, past what the middleware keeps back.
func (r *rewritten) SetWriteDeadline(t time.Time) error {
	r.WriteHeaderNow()
	return http.NewResponseController(r.w).SetWriteDeadline(t)
}

// Unwrap leads past the middleware's writer, which need not say what it is around.
func (r *rewritten) Unwrap() http.ResponseWriter { return r.ResponseWriter }
