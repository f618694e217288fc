package httpserver

import (
	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/logger"
)

// throttled bounds how often one address may call an operation that needs no sign-in. It comes before everything that
// costs something, and answers at once: a connection that is made to wait is one that an attacker holds.
func (s *Server) throttled(op contract.Operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		ip := ""
		if r := logger.FromContext(c.Request.Context()); r != nil {
			ip = r.IP
		}
		if err := s.limits.Public(op.ID, ip); err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}
