package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/health"
)

// fault is a write that the database refused.
type fault struct {
	at  time.Time
	err error
}

// faultAge is how long a refused write is worth telling when nothing has been written since, or was refused for want of space.
const faultAge = time.Minute

// Name is the name of the health check.
func (*Driver) Name() string { return "database" }

// Check asks the database for an answer. It is degraded when it answers but has refused the last write: reading goes on.
func (d *Driver) Check(ctx context.Context) (health.Status, error) {
	var rows entsql.Rows
	if err := d.read.Query(ctx, "SELECT 1", []any{}, &rows); err != nil {
		return health.Unhealthy, err
	}
	if err := rows.Close(); err != nil {
		return health.Unhealthy, err
	}
	if f := d.fault.Load(); f != nil && time.Since(f.at) < faultAge {
		return health.Degraded, fmt.Errorf("the last write was refused %s ago: %w", time.Since(f.at).Round(time.Second), f.err)
	}
	return health.Healthy, nil
}

// wrote remembers how a write ended. Errors of the caller's own, such as a constraint, say nothing about the database. A write
// that succeeds does not say that there is space again: a lease that is renewed needs none, while posts are refused.
func (d *Driver) wrote(err error) {
	if err == nil {
		if f := d.fault.Load(); f != nil && !errors.Is(f.err, ErrFull) {
			d.fault.CompareAndSwap(f, nil)
		}
		return
	}
	for _, refused := range []error{ErrBusy, ErrReadOnly, ErrFull, ErrTimeout, ErrUnavailable} {
		if errors.Is(err, refused) {
			d.fault.Store(&fault{at: time.Now(), err: err})
			return
		}
	}
}
