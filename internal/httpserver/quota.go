package httpserver

import (
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
	if standing.Limit.Window != "" {
		announce(c, []string{quotaPolicy(standing)}, []string{quotaLeft(standing)})
	}
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

func quotaPolicy(s quota.Standing) string {
	var room [96]byte
	text := strconv.AppendInt(append(quotaName(room[:0], s), ";q="...), s.Limit.Amount, 10)
	if s.Length > 0 {
		text = strconv.AppendInt(append(text, ";w="...), int64(s.Length/time.Second), 10)
	}
	return string(text)
}

func quotaLeft(s quota.Standing) string {
	var room [96]byte
	text := strconv.AppendInt(append(quotaName(room[:0], s), ";r="...), s.Remaining, 10)
	if s.Length > 0 {
		text = strconv.AppendInt(append(text, ";t="...), int64(seconds(max(time.Until(s.Resets), 0))), 10)
	}
	return string(text)
}

func quotaName(b []byte, s quota.Standing) []byte {
	return append(append(append(b, `"requests-`...), s.Limit.Window...), '"')
}
