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

// Authorizer answers whether the caller in ctx holds a permission in the tenant in ctx.
type Authorizer interface {
	// Authorize returns nil, or a problem of kind Forbidden. What is not granted is denied. A changed role
	// counts at once on this replica and within a second on the others.
	Authorize(ctx context.Context, p perm.Permission) error
}

// Grants changes and lists what users hold.
type Grants interface {
	// Assign gives user a role in a tenant, in the caller's transaction. Assigning twice is no error.
	Assign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error

	// Unassign takes it away. Taking what is not held is no error.
	Unassign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error

	// Roles lists the roles of user in a tenant, sorted.
	Roles(ctx context.Context, t tenant.ID, user uuid.UUID) ([]string, error)

	// Permissions lists what user holds in a tenant, sorted.
	Permissions(ctx context.Context, t tenant.ID, user uuid.UUID) ([]perm.Permission, error)
}
