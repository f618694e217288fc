package tenant

import (
	"context"
	"time"
)

// Profiles know what the platform has to about any tenant. Identity implements it.
type Profiles interface {
	// Known tells whether there is a tenant of that id. One whose erasure is due is none.
	Known(ctx context.Context, id ID) (bool, error)

	// Zone is the time zone that the tenant has chosen: where its days and months begin. It takes well under a
	// microsecond, except on first use and after a change.
	Zone(ctx context.Context, id ID) (*time.Location, error)
}
