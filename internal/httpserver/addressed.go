package httpserver

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/pkg/tenant"
)

// addressed lets a public operation ask which tenant its request names. Most never do, so it is not looked for before.
func (s *Server) addressed(c *gin.Context) {
	r := c.Request
	c.Request = r.WithContext(tenant.NewNamedContext(r.Context(), func(ctx context.Context) (tenant.ID, bool, error) {
		return s.tenants.Named(r.WithContext(ctx))
	}))
	c.Next()
}
