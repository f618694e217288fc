package quota_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are those of Go

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
	pkgquota "github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	tokens = pkgquota.Unit("tokens")
	seats  = pkgquota.Unit("seats")
)

// world is what the quotas of a test are told: limits, a time zone and a clock. One of them can be given to several replicas,
// or each its own.
type world struct {
	mu    sync.Mutex
	terms *terms.Terms
	zone  *time.Location
	time  time.Time
	lost  error // instead of the zone

	unknown error         // instead of the terms
	gate    chan struct{} // which the zone waits for
}

func newWorld(limits ...pkgquota.Limit) *world {
	w := &world{zone: time.UTC, time: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	w.allow(limits...)
	return w
}

func (w *world) Of(context.Context, tenant.ID) (*terms.Terms, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.terms, w.unknown
}

func (w *world) Zone(context.Context, tenant.ID) (*time.Location, error) {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	if gate != nil {
		<-gate
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.zone, w.lost
}

func (w *world) Units() []pkgquota.Definition {
	return []pkgquota.Definition{{Name: pkgquota.Requests}, {Name: tokens}, {Name: seats}}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) change(fn func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(w)
}

func (w *world) pass(d time.Duration) { w.change(func(w *world) { w.time = w.time.Add(d) }) }
func (w *world) at(t time.Time)       { w.change(func(w *world) { w.time = t }) }
func (w *world) in(z *time.Location)  { w.change(func(w *world) { w.zone = z }) }

func (w *world) allow(limits ...pkgquota.Limit) {
	limits = slices.SortedFunc(slices.Values(limits), func(a, b pkgquota.Limit) int {
		if a.Unit != b.Unit {
			return map[bool]int{true: -1, false: 1}[a.Unit < b.Unit]
		}
		return slices.Index(pkgquota.Windows(), a.Window) - slices.Index(pkgquota.Windows(), b.Window)
	})
	w.change(func(w *world) { w.terms = &terms.Terms{Quotas: limits} })
}

func hard(u pkgquota.Unit, w pkgquota.Window, n int64) pkgquota.Limit {
	return pkgquota.Limit{Unit: u, Window: w, Amount: n}
}

func soft(u pkgquota.Unit, w pkgquota.Window, n int64) pkgquota.Limit {
	return pkgquota.Limit{Unit: u, Window: w, Amount: n, Soft: true}
}

// refusals counts what was denied.
type refusals struct {
	mu  sync.Mutex
	all []string
}

func (r *refusals) Denied(_ context.Context, by, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, by+" "+name)
}

// bench is a database with quotas of its own beside those of the platform.
type bench struct {
	*testapp.App
	denied refusals

	mu   sync.Mutex
	said map[tenant.ID][]string
}

func newBench(t testing.TB, options ...testapp.Options) *bench {
	t.Helper()
	return &bench{App: testapp.New(t, modules.All(), options...), said: map[tenant.ID][]string{}}
}

// replica counts by what w says.
func (b *bench) replica(w *world, more ...func(*quota.Parts)) *quota.Quotas {
	return b.configured(quota.DefaultConfig(), w, more...)
}

func (b *bench) configured(cfg quota.Config, w *world, more ...func(*quota.Parts)) *quota.Quotas {
	p := quota.Parts{
		DB: b.Database, Run: b.Database, Terms: w, Zones: w, Events: b, Denials: &b.denied, Catalog: w, Log: zap.NewNop(), Now: w.now,
	}
	for _, change := range more {
		change(&p)
	}
	return quota.New(cfg, p)
}

// someone is a context in a tenant that has used nothing.
func someone(t testing.TB) context.Context {
	t.Helper()
	return tenant.NewContext(t.Context(), uuid.New())
}

func of(ctx context.Context) tenant.ID {
	id, _ := tenant.FromContext(ctx)
	return id
}

// used is what Usage says, as "unit window used/limit".
func used(t require.TestingT, ctx context.Context, q *quota.Quotas) []string {
	states, err := q.Usage(ctx)
	require.NoError(t, err)
	var all []string
	for _, s := range states {
		line := fmt.Sprintf("%s %s %d", s.Unit, s.Window, s.Used)
		if s.Limit != nil {
			line += fmt.Sprintf("/%d", s.Limit.Amount)
		}
		if s.Limit != nil || s.Used > 0 {
			all = append(all, line)
		}
	}
	return all
}

// Publish implements event.Publisher: what commits has been announced.
func (b *bench) Publish(ctx context.Context, ev event.Event) error {
	if !tx.Open(ctx) {
		return errors.New("an event of its own")
	}
	e, id := ev.(pkgquota.Reached), of(ctx)
	tx.AfterCommit(ctx, func(context.Context) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.said[id] = append(b.said[id], fmt.Sprintf("%s %s %d%%: %d/%d", e.Unit, e.Window, e.Percent, e.Used, e.Limit))
	})
	return nil
}

// reached are the events of a tenant since the last call.
func (b *bench) reached(ctx context.Context) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said[of(ctx)]
	delete(b.said, of(ctx))
	return said
}
