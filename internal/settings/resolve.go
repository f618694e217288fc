package settings

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// scopeID names who has chosen: a tenant, or one user in it.
type scopeID struct {
	tenant tenant.ID
	user   uuid.UUID // the zero one stands for the tenant itself
}

// scope is what somebody has chosen. It never changes.
type scope struct {
	id      scopeID
	version int
	values  map[string]any // of the Go type, or sealed; only what its definition accepts
}

// sealed is a secret as it is kept, in memory too.
type sealed []byte

// scopes are the choices that may count for somebody; nil where there are none.
type scopes struct{ tenant, user *scope }

func (s scopes) id(l settings.Level) scopeID {
	switch l {
	case settings.Tenant:
		return s.tenant.id
	case settings.User:
		return s.user.id
	default:
		return scopeID{}
	}
}

func (s scopes) version() int {
	version := 0
	for _, one := range []*scope{s.tenant, s.user} {
		if one != nil {
			version += one.version // each only grows, and so does the sum
		}
	}
	return version
}

func (s *scope) get(key string) (any, bool) {
	if s == nil {
		return nil, false
	}
	value, ok := s.values[key]
	return value, ok
}

// resolve takes what the user has chosen, or else the tenant, or else what both inherit. What was chosen at a level that
// is not open any more does not count.
func (d definition) resolve(s scopes) (any, settings.Level) {
	if value, ok := s.user.get(d.Key); ok && d.ForUser {
		return value, settings.User
	}
	if value, ok := s.tenant.get(d.Key); ok && d.ForTenant {
		return value, settings.Tenant
	}
	return d.inherited, d.source
}

// open reads a secret. One that cannot be read is an error: what is below it in the order would be another secret.
func (r *Registry) open(value any, id scopeID, key string) (any, error) {
	box, ok := value.(sealed)
	if !ok {
		return value, nil
	}
	plain, err := r.sealer.Open(box, purpose(id, key))
	if err != nil {
		return nil, fmt.Errorf("open the setting %s: %w", key, err)
	}
	return config.Secret(plain), nil
}

// purpose binds a sealed value to its row.
func purpose(id scopeID, key string) string { return "settings.value:" + id.row(key) }

// row is the id of the row of a key.
func (s scopeID) row(key string) string { return s.String() + "/" + key }

// String is also the key under which a change is announced.
func (s scopeID) String() string { return s.tenant.String() + "/" + s.user.String() }
