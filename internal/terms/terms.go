// Package terms knows under which terms each tenant is served.
package terms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/yourorg/platform/internal/terms/ent"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
	"github.com/yourorg/platform/pkg/tx"
)

// Terms are what counts for a tenant after all. They are shared, and never change: a change makes new ones.
type Terms struct {
	Plan    string
	Rate    *terms.Rate   // nil means that of the configuration
	KeyRate *terms.Rate   // of each API key; nil means that of the configuration
	Quotas  []quota.Limit // sorted by unit, and then from the shortest window on

	features map[entitlement.Name]struct{}
	policies terms.Policies
}

// Entitled tells whether the tenant has a feature.
func (t *Terms) Entitled(n entitlement.Name) bool {
	_, has := t.features[n]
	return has
}

// Limits are the limits of one unit.
func (t *Terms) Limits(u quota.Unit) []quota.Limit {
	first, found := slices.BinarySearchFunc(t.Quotas, u, func(l quota.Limit, u quota.Unit) int { return compare(l.Unit, u) })
	if !found {
		return nil
	}
	last := first
	for last < len(t.Quotas) && t.Quotas[last].Unit == u {
		last++
	}
	return t.Quotas[first:last]
}

// Catalog is what modules declare.
type Catalog interface {
	Entitlements() []entitlement.Definition
	Units() []quota.Definition
	Policies() []policy.Definition
}

// Feed is what is needed of the change feed.
type Feed interface {
	Announce(ctx context.Context, topic, key string) error
	Subscribe(topic string, fn func(key string))
	Fresh() bool
}

// Book keeps the terms of every tenant.
type Book struct {
	client  *ent.Client
	run     tx.Runner
	feed    Feed
	tenants tenant.Profiles
	denials Denials
	log     *zap.Logger

	words   *vocabulary
	plans   map[string]terms.Plan // of the configuration
	initial string                // the plan of whoever has none

	cache   *otter.Cache[tenant.ID, *Terms]
	missed  prometheus.Counter
	flights singleflight.Group

	mu         sync.Mutex // guards what follows, and who may write to the cache
	generation uint64     // counts what was forgotten
	granted    map[planID]*Terms
	gone       map[string]struct{} // plans that tenants have and there are not
}

// planID is a plan as it was once.
type planID struct {
	name    string
	version int
}

// Denials hear of requests that the terms did not allow.
type Denials interface {
	// Denied notes a refusal to the tenant in ctx. It never blocks.
	Denied(ctx context.Context, by, name string)
}

// Parts are what a Book needs.
type Parts struct {
	Client  *ent.Client
	Run     tx.Runner
	Feed    Feed
	Tenants tenant.Profiles
	Denials Denials
	Log     *zap.Logger
}

var (
	_ terms.Registry      = (*Book)(nil)
	_ entitlement.Checker = (*Book)(nil)
	_ policy.Policies     = (*Book)(nil)
)

// New refuses plans of the configuration that name what no module declares. It subscribes to the feed, so it must run before
// that starts. Close ends what it begins.
func New(cfg Config, p Parts, declared Catalog) (*Book, error) {
	b := &Book{
		client: p.Client, run: p.Run, feed: p.Feed, tenants: p.Tenants, denials: p.Denials, log: p.Log,
		words: newVocabulary(declared), plans: map[string]terms.Plan{}, initial: cfg.DefaultPlan, granted: map[planID]*Terms{},
		gone: map[string]struct{}{}, missed: prometheus.NewCounter(prometheus.CounterOpts{}), // nobody collects it, until provide says where
	}
	var errs []error
	for name, spec := range cfg.Plans {
		grant, err := spec.Grant()
		var f faults
		b.words.grant(&f, grant)
		if err != nil || len(f) > 0 {
			errs = append(errs, fmt.Errorf("terms.plans: %s: %v", name, errors.Join(err, inWords(f))))
		}
		b.plans[name] = terms.Plan{Name: name, Configured: true, Grant: grant}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	b.cache, err = otter.New(&otter.Options[tenant.ID, *Terms]{ // which works in the background until Close
		MaximumSize: cfg.CacheTenants, ExpiryCalculator: otter.ExpiryWriting[tenant.ID, *Terms](cfg.CacheTTL),
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache of terms: %w", err)
	}
	b.feed.Subscribe(TopicTenant, b.forget)
	b.feed.Subscribe(TopicPlan, func(string) { b.forgetAll() })
	return b, nil
}

// Close ends what the cache does in the background.
func (b *Book) Close() { b.cache.StopAllGoroutines() }

// inWords is an error for whoever starts the platform, who sees no fields.
func inWords(f faults) error {
	var errs []error
	for _, field := range f {
		errs = append(errs, fmt.Errorf("%s %s", field.Field, field.Message))
	}
	return errors.Join(errs...)
}
