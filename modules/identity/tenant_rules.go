package identity

import (
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/problem"
)

// What a tenant's status can be.
const (
	statusActive    = "active"
	statusSuspended = "suspended"
	statusDeleted   = "deleted" // until it is erased
)

func (t Tenant) status() string {
	switch {
	case t.EraseAt != nil:
		return statusDeleted
	case t.SuspendedAt != nil:
		return statusSuspended
	}
	return statusActive
}

// tenantChange is what somebody may ask to be different; nil stays as it is.
type tenantChange struct {
	name, slug *string
	requireMFA *bool
}

// apply returns the tenant after c, one version on.
func (t Tenant) apply(c tenantChange) (Tenant, error) {
	var bad []problem.Field
	if c.name != nil {
		if fault := checkName("name", *c.name); fault != nil {
			bad = append(bad, *fault)
		}
		t.Name = normalizeName(*c.name)
	}
	if c.slug != nil && *c.slug != t.Slug {
		if fault := checkSlug(*c.slug); fault != nil {
			bad = append(bad, *fault)
		}
		if t.Kind == operator {
			return t, identityapi.ErrTenantOperator
		}
		t.Slug = *c.slug
	}
	if len(bad) > 0 {
		return t, identityapi.ErrTenantInvalid.With(bad...)
	}
	if c.requireMFA != nil {
		t.RequireMFA = *c.requireMFA
	}
	t.Version++
	return t, nil
}

// suspend and resume leave a tenant that is so already as it is.
func (t Tenant) suspend(at time.Time) Tenant {
	if t.SuspendedAt == nil {
		t.SuspendedAt = &at
		t.Version++
	}
	return t
}

func (t Tenant) resume() Tenant {
	if t.SuspendedAt != nil || t.EraseAt != nil {
		t.SuspendedAt, t.EraseAt = nil, nil
		t.Version++
	}
	return t
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// checkSlug accepts what slugify can return, so that every slug is a label of a host and none looks like an id.
func checkSlug(slug string) *problem.Field {
	_, err := uuid.Parse(slug)
	if len(slug) > maxSlug || !slugForm.MatchString(slug) || err == nil {
		return &problem.Field{
			Field: "slug", Code: "invalid",
			Message: "must have at most 50 characters: a to z, digits, and single dashes between them; and must not be an id",
		}
	}
	return nil
}
