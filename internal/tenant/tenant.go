// Package tenant decides in which tenant a request acts.
package tenant

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// ErrMismatch is the answer to a request that names another tenant than its token.
var ErrMismatch = problem.New(problem.Forbidden, "tenant.mismatch", "The request names another tenant than its token")

// Chain asks every resolver. The token's claim comes first and decides; whatever else names a tenant must agree.
type Chain struct{ resolvers []tenant.Resolver }

// New returns the chain of resolvers; their order does not matter.
func New(resolvers ...tenant.Resolver) *Chain { return &Chain{resolvers: resolvers} }

// Resolve returns the tenant in which caller acts.
func (c *Chain) Resolve(r *http.Request, caller *auth.Caller) (tenant.ID, error) {
	for _, resolver := range c.resolvers {
		id, named, err := resolver.Resolve(r)
		if err != nil {
			return uuid.Nil, err
		}
		if named && id != caller.TenantID {
			return uuid.Nil, ErrMismatch
		}
	}
	return caller.TenantID, nil
}

// Header reads X-Tenant-ID.
type Header struct{}

// Resolve refuses a header that is repeated or is no UUID: it cannot agree with the token.
func (Header) Resolve(r *http.Request) (tenant.ID, bool, error) {
	values := r.Header["X-Tenant-Id"] // the canonical form, spared the canonicalisation
	if len(values) == 0 {
		return uuid.Nil, false, nil
	}
	id, err := uuid.Parse(values[0])
	if err != nil || len(values) > 1 {
		return uuid.Nil, false, ErrMismatch
	}
	return id, true, nil
}
