package httpserver

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/contract"
	pkgauth "github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// authenticated finds out who calls, and in which tenant. Public operations do not pass here.
func (s *Server) authenticated(c *gin.Context) {
	token, err := bearer(c.Request.Header)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	caller, err := s.tokens.Verify(ctx, token)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx = pkgauth.NewContext(ctx, caller)
	id, err := s.tenants.Resolve(c.Request, caller)
	if err != nil {
		c.Request = c.Request.WithContext(tenant.NewContext(ctx, caller.TenantID)) // for the audit trail
		s.fail(c, err)
		return
	}
	c.Request = c.Request.WithContext(tenant.NewContext(ctx, id))
	c.Next()
}

// authorized lets holders of the operation's permission pass.
func (s *Server) authorized(op contract.Operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := s.authz.Authorize(c.Request.Context(), op.Permission); err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}

// bearer reads the one Authorization header: of two, another server on the way might have checked the other.
func bearer(h http.Header) (string, error) {
	values := h["Authorization"]
	switch len(values) {
	case 0:
		return auth.Bearer("")
	case 1:
		return auth.Bearer(values[0])
	}
	return "", auth.ErrTokenMalformed.Wrap(errors.New("there are several Authorization headers"))
}
