package authz

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

// Role is a built-in role, or one of a tenant's own.
type Role struct {
	ID          uuid.UUID // that of a built-in role is the same in every tenant
	Name        string    // unique in its tenant, whatever its case; what Grants and tokens call the role
	Description string
	BuiltIn     bool
	Permissions []string // sorted; a tenant's own role may hold wildcards, such as "blog.*"
	Conditional []Grant  // sorted; what it holds under a condition
	Version     int      // grows with every change; its entity tag
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Grant is a permission or wildcard, held while a condition is true.
type Grant struct {
	Permission string
	When       string // see perm.Condition
}

// RoleDraft is what a new role is to be.
type RoleDraft struct {
	Name, Description string
	Permissions       []string
	Conditional       []Grant
}

// RoleChange is what is to be different; nil stays as it is. A list replaces the one that was there.
type RoleChange struct {
	Name, Description *string
	Permissions       *[]string
	Conditional       *[]Grant
	Accepts           func(version int) bool // asked about the current version; nil accepts any
}

// RoleRemoval is how a role is to be deleted.
type RoleRemoval struct {
	Unassign bool                   // take it away from everybody who has it
	Accepts  func(version int) bool // asked about the current version; nil accepts any
}

// Roles lists the roles of the tenant in ctx, and says who may give them away.
type Roles interface {
	// List returns roles, the built-in ones first and then the tenant's own by age. The zero id begins; any other
	// goes on after it. The operator's role is shown to its holders only.
	List(ctx context.Context, after uuid.UUID, limit int) ([]Role, error)

	// ByID answers ErrRoleNotFound also for another tenant's role.
	ByID(ctx context.Context, id uuid.UUID) (Role, error)

	// MayGrant returns nil when the caller in ctx may give the role to somebody in the tenant in ctx, by membership,
	// invitation or otherwise, and may take it away: the caller holds all that the role holds now. The roles owner
	// and platform_admin can only be given by somebody who has the same one. Otherwise it is ErrRoleUnknown,
	// ErrNotHeld, or a problem of kind Unauthenticated without a caller.
	MayGrant(ctx context.Context, role string) error
}

// RoleEditor changes the tenant's own roles for the caller in ctx, who must hold all that a role held before and holds
// afterwards. A change is stored in the caller's transaction; it counts once that has committed, on other replicas
// within a second.
type RoleEditor interface {
	// Create answers ErrRoleNameTaken, ErrRoleInvalid, ErrPermissionUnknown, ErrConditionInvalid or ErrNotHeld.
	Create(ctx context.Context, draft RoleDraft) (Role, error)

	// Change answers ErrRoleChanged when the version is not acceptable, ErrRoleBuiltIn, ErrRoleNotFound, and whatever
	// Create does. Those who have the role keep it, also under a new name.
	Change(ctx context.Context, id uuid.UUID, change RoleChange) (Role, error)

	// Delete answers ErrRoleAssigned as long as somebody has the role, unless removal takes it away from them, and
	// ErrRoleChanged as Change does.
	Delete(ctx context.Context, id uuid.UUID, removal RoleRemoval) error
}

// Definition is a permission of the catalogue.
type Definition struct {
	perm.Definition
	Module    string // the module that declares it
	Grantable bool   // whether a tenant's own role can hold it; what is the operator's alone cannot be
}

// Catalog lists every permission that the enabled modules declare, sorted by name.
type Catalog interface {
	Definitions() []Definition
}

// The answers about roles.
var (
	ErrRoleNotFound      = problem.New(problem.NotFound, "access.role_not_found", "Role not found")
	ErrRoleInvalid       = problem.New(problem.Invalid, "access.role_invalid", "The role is not acceptable")
	ErrRoleUnknown       = problem.New(problem.Invalid, "authz.role_unknown", "There is no such role")
	ErrRoleNameTaken     = problem.New(problem.Conflict, "access.role_name_taken", "Another role has this name")
	ErrRoleBuiltIn       = problem.New(problem.Conflict, "access.role_built_in", "A built-in role cannot be changed")
	ErrRoleAssigned      = problem.New(problem.Conflict, "access.role_assigned", "The role is assigned")
	ErrRoleLimit         = problem.New(problem.Conflict, "access.role_limit", "The tenant has too many roles")
	ErrRoleChanged       = problem.New(problem.PreconditionFailed, "access.role_changed", "The role was changed in the meantime")
	ErrPermissionUnknown = problem.New(problem.Invalid, "access.permission_unknown", "There is no such permission")
	ErrConditionInvalid  = problem.New(problem.Invalid, "access.condition_invalid", "The condition is not acceptable")
	ErrNotHeld           = problem.New(problem.Forbidden, "access.permission_not_held", "You cannot give what you do not hold")
)
