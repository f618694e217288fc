package httpserver

import (
	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/logger"
)

// throttled bounds how often one address may call an operation that needs no sign-in, and tells what is left. It comes before
// everything that costs something, and answers at once: a connection that is made to wait is one that an attacker holds.
func (s *Server) throttled(op contract.Operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx, ip := c.Request.Context(), ""
		if r := logger.FromContext(ctx); r != nil {
			ip = r.IP
		}
		limit, left, err := s.limits.Public(ctx, op.ID, ip)
		announce(c, []string{string(appendPolicy(nil, "public", limit.Events, limit.Period))}, []string{string(appendLimit(nil, "public", left))})
		if err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}
