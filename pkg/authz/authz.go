// Package authz decides what a caller may do.
package authz

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// The built-in roles. What they hold is declared by each permission in module.yaml.
const (
	Owner         = "owner"
	Admin         = "admin"
	Member        = "member"
	Viewer        = "viewer"
	PlatformAdmin = "platform_admin" // the operator's role, held in the operator's own tenant
)

// Attributes are what conditions may look at about one resource, by name. A permission lists the names in module.yaml.
type Attributes map[string]string

// OwnedBy are the attributes of a resource that belongs to user, and of which nothing else matters.
func OwnedBy(user uuid.UUID) Attributes { return Attributes{perm.Owner: user.String()} }

// Authorizer answers whether the caller in ctx holds a permission in the tenant in ctx. What is not granted is denied.
// A changed role counts at once on this replica and within a second on the others.
type Authorizer interface {
	// Authorize returns nil, or a problem of kind Forbidden. A grant whose condition looks at a resource counts as
	// none; a time window is held against the clock.
	Authorize(ctx context.Context, p perm.Permission) error

	// AuthorizeResource is Authorize for one resource. An operation whose contract says x-resource-check: true must ask
	// it about the operation's permission, after it has read the resource and before it changes or shows it:
	// otherwise the answer is 500, and nothing is kept.
	AuthorizeResource(ctx context.Context, p perm.Permission, resource Attributes) error
}

// Grants changes and lists what users hold.
type Grants interface {
	// Assign gives user a role in a tenant, in the caller's transaction. Assigning twice is no error.
	Assign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error

	// Unassign takes it away. Taking what is not held is no error.
	Unassign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error

	// Roles lists the roles of user in a tenant, sorted.
	Roles(ctx context.Context, t tenant.ID, user uuid.UUID) ([]string, error)

	// RolesOf lists the roles of several users in a tenant, each sorted. Users without a role are not in the map.
	RolesOf(ctx context.Context, t tenant.ID, users ...uuid.UUID) (map[uuid.UUID][]string, error)

	// Holders lists the users who hold a role in a tenant, as the transaction in ctx sees them.
	Holders(ctx context.Context, t tenant.ID, role string) ([]uuid.UUID, error)

	// Permissions lists what user holds in a tenant without a condition, sorted.
	Permissions(ctx context.Context, t tenant.ID, user uuid.UUID) ([]perm.Permission, error)
}
