package tenant

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// Named returns the tenant that a request without a token names, and the zero ID when that is none or more than one.
func (c *Chain) Named(r *http.Request) (tenant.ID, bool, error) {
	found, some := uuid.Nil, false
	for _, resolver := range c.resolvers {
		id, named, err := resolver.Resolve(r)
		switch {
		case errors.Is(err, ErrMismatch), named && some && id != found:
			return uuid.Nil, true, nil
		case err != nil:
			return uuid.Nil, false, err
		case named:
			found, some = id, true
		}
	}
	return found, some, nil
}
