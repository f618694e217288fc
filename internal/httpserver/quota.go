package httpserver

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// counted counts the request of a known caller against the quota of the tenant, and says how much is left of it. It counts
// before it is known how the request ends: one that fails has been worked on, too.
func (s *Server) counted(c *gin.Context) {
	ctx := c.Request.Context()
	id, ok := tenant.FromContext(ctx)
	if _, known := auth.FromContext(ctx); !known || !ok {
		c.Next()
		return
	}
	standing, err := s.quotas.Count(ctx, id)
	announceQuota(c.Writer.Header(), standing)
	if err != nil {
		s.turnAway(c, err)
		return
	}
	c.Next()
}

// turnAway answers without a word in the audit trail: who is refused a place has attempted nothing, and must not cost a
// write. The denial is an event.
func (s *Server) turnAway(c *gin.Context, err error) {
	if p := translate(c.Request.Context(), err); p.Kind == problem.TooMany || p.Kind == problem.Unavailable {
		write(c, p)
		return
	}
	s.fail(c, err)
}

// The headers of draft-ietf-httpapi-ratelimit-headers-10, as net/http spells them. Others may have lines in them, too.
const (
	rateLimit       = "Ratelimit"
	rateLimitPolicy = "Ratelimit-Policy"
)

func announceQuota(h http.Header, s quota.Standing) {
	if s.Limit.Window == "" {
		return
	}
	var policy, state [96]byte
	p := append(append(append(policy[:0], `"requests-`...), s.Limit.Window...), '"')
	r := append(state[:0], p...)
	p = strconv.AppendInt(append(p, ";q="...), s.Limit.Amount, 10)
	r = strconv.AppendInt(append(r, ";r="...), s.Remaining, 10)
	if s.Length > 0 {
		p = strconv.AppendInt(append(p, ";w="...), int64(s.Length/time.Second), 10)
		left := max(time.Until(s.Resets), 0)
		r = strconv.AppendInt(append(r, ";t="...), int64((left+time.Second-1)/time.Second), 10)
	}
	h[rateLimitPolicy] = append(h[rateLimitPolicy], string(p))
	h[rateLimit] = append(h[rateLimit], string(r))
}
