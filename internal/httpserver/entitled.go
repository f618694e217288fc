package httpserver

import (
	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/contract"
)

// entitled lets tenants pass whose plan has a feature. It comes after the permission: whoever lacks that learns nothing about
// the plan.
func (s *Server) entitled(op contract.Operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := s.terms.Check(c.Request.Context(), op.Entitlement); err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}
