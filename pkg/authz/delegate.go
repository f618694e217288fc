package authz

import (
	"context"

	"github.com/yourorg/platform/pkg/perm"
)

// Delegator says what the caller in ctx may hand on to an API key.
type Delegator interface {
	// Delegate returns the permissions that names and wildcards stand for now, sorted and each once. A later permission
	// that a wildcard would reach is not among them, so that what a key may do never grows. The caller must hold each of
	// them without a condition, and none may be the operator's alone: ErrNotHeld. For a personal key, which permits
	// nothing that its user does not hold at the time, it is enough to hold each under some condition, and the operator's
	// can be named. What stands for nothing is ErrPermissionUnknown.
	Delegate(ctx context.Context, wanted []string, personal bool) ([]perm.Permission, error)
}
