package outbox

import (
	"context"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/tenant"
)

var _ health.Optional = (*Outbox)(nil)

// backlogOf is what is not done for one destination in one state.
type backlogOf struct {
	to    string
	state int
	count int64
	since time.Time // when the oldest became so
}

func (o *Outbox) backlog(ctx context.Context) (all []backlogOf, err error) {
	err = query(tenant.System(ctx, "backlog of events"), o.db, func(rows *entsql.Rows) error {
		var b backlogOf
		var ms int64
		err := rows.Scan(&b.to, &b.state, &b.count, &ms)
		b.since = time.UnixMilli(ms)
		all = append(all, b)
		return err
	}, `SELECT subscriber, state, count(*), min(changed_ms) FROM outbox_deliveries GROUP BY subscriber, state ORDER BY subscriber, state`)
	if err != nil {
		return nil, fmt.Errorf("count the backlog of events: %w", err)
	}
	return all, nil
}

// Name is the name of the health check.
func (*Outbox) Name() string { return "events" }

// Optional implements health.Optional.
func (*Outbox) Optional() {}

// Check is degraded while events wait for too long or cannot be handed to the broker: requests are
// answered all the same.
func (o *Outbox) Check(ctx context.Context) (health.Status, error) {
	if away := o.broker.Load(); away != nil {
		return health.Degraded, fmt.Errorf("the broker does not take events: %w", *away)
	}
	backlog, err := o.backlog(ctx)
	if err != nil {
		return health.Degraded, err
	}
	for _, b := range backlog {
		if age := time.Since(b.since); (b.state == stateReady || b.state >= stateSent) && age > o.cfg.LagWarning {
			return health.Degraded, fmt.Errorf("%d events wait for %s, the oldest for %s", b.count, b.to, age.Round(time.Second))
		}
	}
	return health.Healthy, nil
}
