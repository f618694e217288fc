package settings

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// What a caller can be told. Codes are stable.
var (
	ErrInvalid      = problem.New(problem.Invalid, "settings.invalid", "The settings are not acceptable")
	ErrNotPermitted = problem.New(problem.Forbidden, "settings.not_permitted", "You may not change these settings")
	ErrChanged      = problem.New(problem.PreconditionFailed, "settings.changed", "The settings have changed in the meantime")
)

// Reader finds the value in effect. Prefer the methods of Setting, which know its type.
type Reader interface {
	// Effective returns the first value that the user, the tenant and the environment have, and otherwise the default. It
	// is of the Go type of the setting, and shared: do not change it. uuid.Nil stands for no tenant, or no user. A
	// change counts at once on this replica and within a second on the others. A setting of a module that is switched
	// off is an error.
	Effective(ctx context.Context, key string, t tenant.ID, user uuid.UUID) (any, error)
}

// Registry shows and changes settings on behalf of the caller in the context.
type Registry interface {
	// View returns the settings that the caller may see.
	View(ctx context.Context) (View, error)

	// Change sets and resets several settings, or none: the answer names every key at fault. It returns the settings
	// as they are then. A key that the caller may not see is unknown.
	Change(ctx context.Context, c Change) (View, error)
}

// View is all that somebody sees.
type View struct {
	Settings []State // sorted by key
	Version  int     // grows with every change of the tenant's or of the caller's values
}

// State is one setting as it is for the caller.
type State struct {
	Definition
	Value     any   // in effect; nil when it is a secret
	Source    Level // where that comes from
	Inherited any   // what counts where neither tenant nor user have chosen; nil when it is a secret
	Levels    []AtLevel
}

// AtLevel is what a setting is at a level where it may be set.
type AtLevel struct {
	Level      Level // Tenant or User
	Set        bool
	Value      any // nil when it is not set, or is a secret
	Changeable bool
}

// Change is a wish of the caller in the context.
type Change struct {
	Level   Level          // Tenant, or User for the caller's own
	Values  map[string]any // as JSON spells them, decoded; nil resets
	Accepts func(version int) bool
}
