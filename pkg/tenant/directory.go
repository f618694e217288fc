package tenant

import (
	"context"

	"github.com/google/uuid"
)

// Directory finds tenants. Identity implements it.
type Directory interface {
	// BySlug returns the tenant that a slug names, or the zero ID when there is none or it is deleted.
	BySlug(ctx context.Context, slug string) (ID, error)
}

// Operators tell the operator's tenant from those of the customers. Identity implements it.
type Operators interface {
	// Operates tells whether id is the tenant that runs the platform.
	Operates(ctx context.Context, id ID) (bool, error)
}

// Announcer tells every replica what has changed about tenants.
type Announcer interface {
	// SlugChanged says that slug names another tenant than before, one where it named none, or none where it named one:
	// on this replica once the transaction in ctx has committed, on the others within a second.
	SlugChanged(ctx context.Context, slug string) error
}

// MemberEraser removes what a package keeps of somebody who is no longer a member of a tenant.
type MemberEraser interface {
	// EraseMember is called in the transaction that ends the membership, when a member leaves, is removed or is erased. It
	// removes the user's rows in this tenant, which ctx works for; of rows that others rely on it removes the name.
	EraseMember(ctx context.Context, id ID, user uuid.UUID) error
}

// Eraser removes what a package keeps of a tenant that is deleted and whose grace period is over.
type Eraser interface {
	// Erase removes some of the tenant's rows and returns how many, 0 when none are left. It is called until then,
	// outside any transaction and possibly on several replicas at once, with a context in which the tenant's rows can
	// be reached. The audit trail stays.
	Erase(ctx context.Context, id ID) (int, error)
}
