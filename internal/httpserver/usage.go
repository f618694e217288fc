package httpserver

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/pkg/tenant"
)

// meter counts a request for the tenant of its caller. One without a caller is metered for nobody: what it names proves
// nothing, and nobody may add to what another tenant used.
func (s *Server) meter(c *gin.Context, a usage.Answer, start time.Time) {
	id, ok := tenant.FromContext(c.Request.Context())
	if !ok || s.usage == nil {
		return
	}
	if c.Request.Method == http.MethodHead {
		a.Out = 0
	}
	s.usage.Answered(id, start.Add(a.Took), a)
}

// sized is how large the body of a request is, or how much of it was read.
type sized struct {
	announced int64
	metered   *metered // of one that does not announce it
}

func (b sized) read() int64 {
	if b.metered != nil {
		return b.metered.n
	}
	return b.announced
}

// measure looks at the body of a request before anybody reads it.
func measure(r *http.Request) sized {
	if r.ContentLength >= 0 || r.Body == nil {
		return sized{announced: max(r.ContentLength, 0)}
	}
	body := &metered{ReadCloser: r.Body}
	r.Body = body
	return sized{metered: body}
}

// metered counts what is read.
type metered struct {
	io.ReadCloser
	n int64
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}
