package httpserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/authz"
	"github.com/yourorg/platform/internal/contract"
	pkgauth "github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// authenticated finds out who calls, and in which tenant. Public operations do not pass here.
func (s *Server) authenticated(c *gin.Context) {
	caller, err := s.caller(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := pkgauth.NewContext(c.Request.Context(), caller)
	id, err := s.tenants.Resolve(c.Request, caller)
	if err != nil {
		c.Request = c.Request.WithContext(tenant.NewContext(ctx, caller.TenantID)) // for the audit trail
		s.fail(c, err)
		return
	}
	c.Request = c.Request.WithContext(tenant.NewContext(ctx, id))
	if err := admitKey(c, caller); err != nil {
		s.fail(c, err)
		return
	}
	c.Next()
}

// recognized finds out who calls when the caller says so. One who does not stays unknown; one whom a token does not
// prove is refused as everywhere else.
func (s *Server) recognized(c *gin.Context) {
	if !s.presented(c.Request) {
		c.Next()
		return
	}
	s.authenticated(c)
}

// authorized lets holders of the operation's permission pass. An operation that checks its resource itself is also
// reached by those who hold the permission for some resources only.
func (s *Server) authorized(op contract.Operation) gin.HandlerFunc {
	if op.ResourceCheck {
		return func(c *gin.Context) {
			ctx, err := s.authz.Admit(c.Request.Context(), op.Permission)
			if s.traffic.decided(err); err != nil {
				s.fail(c, err)
				return
			}
			c.Request = c.Request.WithContext(ctx)
			c.Next()
		}
	}
	return func(c *gin.Context) {
		err := s.authz.Authorize(c.Request.Context(), op.Permission)
		if s.traffic.decided(err); err != nil {
			s.fail(c, err)
			return
		}
		c.Next()
	}
}

// Access is what the server asks about a caller.
type Access interface {
	// Authorize returns nil when the caller holds the permission, whatever the resource.
	Authorize(ctx context.Context, p perm.Permission) error

	// Admit returns nil when there could be a resource for which the caller holds it. In the context that it returns,
	// the operation has to ask about the resource.
	Admit(ctx context.Context, p perm.Permission) (context.Context, error)
}

// errUnchecked is a mistake in a module. The answer says nothing about it, and the log says all.
var errUnchecked = errors.New("the contract says x-resource-check, and the handler has not asked AuthorizeResource about the operation's permission")

// resourceChecked keeps the answer back when the operation was to ask about its resource and has not: nobody gets
// through because a handler forgot. It runs inside the transaction.
func resourceChecked(op *mounted, next module.Handler) module.Handler {
	if op == nil || !op.ResourceCheck {
		return next
	}
	return func(c *gin.Context, request any) (any, error) {
		response, err := next(c, request)
		if err == nil && !authz.Checked(c.Request.Context()) {
			return nil, fmt.Errorf("%s %s: %w", op.Method, op.Path, errUnchecked)
		}
		return response, err
	}
}
