// Package quota counts what tenants use, and refuses what their limits have no room for.
package quota

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Quotas keep counters in a table with a row for each unit of a tenant.
type Quotas struct {
	cfg     Config
	ledger  *ledger
	run     tx.Runner
	terms   Terms
	zones   Zones
	events  event.Publisher
	denials terms.Denials
	used    Used
	log     *zap.Logger
	now     func() time.Time
	units   map[quota.Unit]struct{}

	meters  meters
	flying  sync.WaitGroup // refills
	failing atomic.Bool    // the last of them has
	metrics metrics

	mu   sync.Mutex
	late map[late]struct{} // what has to be announced, and could not be when it was noticed

	stop context.CancelFunc
	done chan struct{}
}

// Terms know what limits count for a tenant.
type Terms interface {
	Of(ctx context.Context, id tenant.ID) (*terms.Terms, error)
}

// Zones know where a tenant's days begin.
type Zones interface {
	Zone(ctx context.Context, id tenant.ID) (*time.Location, error)
}

// Used hears of what has been consumed, when that has committed.
type Used interface {
	Consumed(id tenant.ID, u quota.Unit, n int64)
}

// Catalog is what modules declare.
type Catalog interface{ Units() []quota.Definition }

// Parts are what Quotas need.
type Parts struct {
	DB      dialect.Driver
	Run     tx.Runner // of the same database
	Terms   Terms
	Zones   Zones
	Events  event.Publisher
	Denials terms.Denials
	Used    Used // nil when nobody wants to hear of it
	Catalog Catalog
	Log     *zap.Logger
	Now     func() time.Time // nil means time.Now
}

var _ quota.Quotas = (*Quotas)(nil)

// New returns quotas that count what they are told to. Requests that were counted in advance are only given back after Start,
// or by Sweep.
func New(cfg Config, p Parts) *Quotas {
	q := &Quotas{
		cfg: cfg, ledger: newLedger(p.DB), run: p.Run, terms: p.Terms, zones: p.Zones, events: p.Events, denials: p.Denials, used: p.Used,
		log: p.Log.Named("quota"), now: p.Now, units: map[quota.Unit]struct{}{}, metrics: newMetrics(), late: map[late]struct{}{},
	}
	if q.now == nil {
		q.now = time.Now
	}
	for _, d := range p.Catalog.Units() {
		q.units[d.Name] = struct{}{}
	}
	q.meters.init()
	return q
}

// account is where something is counted.
type account struct {
	id     tenant.ID
	unit   quota.Unit
	limits []quota.Limit
	zone   *time.Location
	now    time.Time
	at     numbers
}

// account of the tenant in ctx.
func (q *Quotas) account(ctx context.Context, u quota.Unit) (a account, err error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return a, tenant.ErrMissing
	}
	if _, declared := q.units[u]; !declared {
		return a, fmt.Errorf("no module declares the unit %q", u)
	}
	t, err := q.terms.Of(ctx, id)
	if err != nil {
		return a, err
	}
	return q.open(ctx, id, u, t.Limits(u))
}

func (q *Quotas) open(ctx context.Context, id tenant.ID, u quota.Unit, limits []quota.Limit) (a account, err error) {
	zone, err := q.zones.Zone(ctx, id)
	if err != nil {
		return a, err
	}
	now := q.now()
	return account{id: id, unit: u, limits: limits, zone: zone, now: now, at: numbersAt(now, zone)}, nil
}

// Consume implements quota.Quotas.
func (q *Quotas) Consume(ctx context.Context, u quota.Unit, n int64) error {
	if n < 1 || n > quota.MaxAmount {
		return quota.ErrAmount
	}
	a, err := q.account(ctx, u)
	if err != nil {
		return err
	}
	_, err = q.consume(ctx, a, n, func(ctx context.Context, _ *row) error {
		q.tell(ctx, a.id, u, n)
		return nil
	})
	return err
}

// tell counts for the analytics once the transaction in ctx has committed. Of a reservation that is what it is settled with.
func (q *Quotas) tell(ctx context.Context, id tenant.ID, u quota.Unit, n int64) {
	if q.used != nil && n > 0 {
		tx.AfterCommit(ctx, func(context.Context) { q.used.Consumed(id, u, n) })
	}
}

// consume counts, calls then in the same transaction, and returns the row as it is then. A refusal does not spoil the
// transaction of the caller, who may have something else to do instead.
func (q *Quotas) consume(ctx context.Context, a account, n int64, then func(context.Context, *row) error) (counted *row, err error) {
	var refused error
	err = q.run.InTx(ctx, func(ctx context.Context) error {
		if counted, err = q.ledger.add(ctx, a.id, a.unit, n, a.at, a.limits); err != nil {
			return err
		}
		if counted == nil {
			refused, err = q.refusal(ctx, a, n)
			return err
		}
		if err := q.announce(ctx, a.id, a.unit, counted, a.limits); err != nil || then == nil {
			return err
		}
		return then(ctx, counted)
	})
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", a.unit, err)
	}
	if refused != nil {
		q.denials.Denied(ctx, "quota", string(a.unit))
	}
	return counted, refused
}

// refusal says why there was no room. A limit that was lowered below the use may have been reached without anything being
// counted: that is announced later, because what the caller does now will probably be rolled back.
func (q *Quotas) refusal(ctx context.Context, a account, n int64) (refused, err error) {
	r, err := q.ledger.read(ctx, a.id, a.unit)
	if err != nil {
		return nil, err
	}
	r = r.at(a.at)
	if len(due(&r, a.limits)) > 0 {
		q.later(a.id, a.unit)
	}
	which, wait := r.full(a.limits, n, a.now, a.zone)
	if wait == 0 {
		return nil, errRaced // the row is locked by the attempt, so that this cannot be
	}
	return exceeded(which, r[index(which)].used, wait), nil
}

func exceeded(l quota.Limit, used int64, wait time.Duration) error {
	per := "a " + string(l.Window)
	switch l.Window {
	case quota.Hour:
		per = "an hour"
	case quota.Lifetime:
		per = "in all"
	}
	return quota.ErrExceeded.Detailf("At most %d %s %s: %d are used.", l.Amount, l.Unit, per, used).After(wait)
}

// Free implements quota.Quotas.
func (q *Quotas) Free(ctx context.Context, u quota.Unit, n int64) error {
	if n < 1 || n > quota.MaxAmount {
		return quota.ErrAmount
	}
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return tenant.ErrMissing
	}
	if _, declared := q.units[u]; !declared {
		return fmt.Errorf("no module declares the unit %q", u)
	}
	if _, err := q.ledger.exec(ctx, q.ledger.free, id, string(u), n); err != nil {
		return fmt.Errorf("give %s back: %w", u, err)
	}
	return nil
}

// Usage implements quota.Quotas.
func (q *Quotas) Usage(ctx context.Context) ([]quota.State, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, tenant.ErrMissing
	}
	t, err := q.terms.Of(ctx, id)
	if err != nil {
		return nil, err
	}
	a, err := q.open(ctx, id, "", t.Quotas)
	if err != nil {
		return nil, err
	}
	used, err := q.ledger.all(ctx, q.ledger.where, id)
	if err != nil {
		return nil, fmt.Errorf("read what is used: %w", err)
	}
	return q.states(a, used), nil
}
