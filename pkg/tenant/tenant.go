// Package tenant scopes work and rows to one tenant.
package tenant

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// ID identifies a tenant. The zero value is no tenant.
type ID = uuid.UUID

// ErrMissing is what a tenant-owned table answers when the context names no tenant: a mistake in the code, not of
// the caller.
var ErrMissing = problem.New(problem.Internal, "tenant.missing", "Internal error")

// ErrSuspended is the answer to everybody who acts in a tenant that the operator has suspended.
var ErrSuspended = problem.New(problem.Forbidden, "tenant.suspended", "The tenant is suspended")

type (
	idKey     struct{}
	systemKey struct{}
)

// NewContext returns a context that works for tenant id. It ends any System scope.
func NewContext(ctx context.Context, id ID) context.Context {
	if _, system := ctx.Value(systemKey{}).(string); system {
		ctx = context.WithValue(ctx, systemKey{}, nil)
	}
	return context.WithValue(ctx, idKey{}, id)
}

// FromContext returns the tenant that ctx works for.
func FromContext(ctx context.Context) (ID, bool) {
	id, ok := ctx.Value(idKey{}).(ID)
	return id, ok && id != uuid.Nil
}

// System returns a context whose queries see the rows of every tenant. The reason is a short phrase for the audit
// trail, such as "sign-in"; without one the context is returned as it was, and stays closed.
func System(ctx context.Context, reason string) context.Context {
	if reason == "" {
		return ctx
	}
	return context.WithValue(ctx, systemKey{}, reason)
}

// SystemReason returns the reason given to System, when ctx is in its scope.
func SystemReason(ctx context.Context) (string, bool) {
	reason, ok := ctx.Value(systemKey{}).(string)
	return reason, ok
}

// Resolver finds the tenant that a request names. Resolvers form a chain, and all that answer must agree.
type Resolver interface {
	// Resolve returns ok = false when the request does not name a tenant in this resolver's way.
	Resolve(r *http.Request) (id ID, ok bool, err error)
}
