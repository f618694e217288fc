package terms

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/terms/ent"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// The topics of the change feed. The keys are a tenant's id and a plan's name.
const (
	TopicTenant = "terms.tenant"
	TopicPlan   = "terms.plan"
)

// loadTimeout limits how long a first use waits.
const loadTimeout = 5 * time.Second

// ErrUnavailable is the answer when it cannot be found out what counts for a tenant.
var ErrUnavailable = problem.New(problem.Unavailable, "terms.unavailable", "The terms of the tenant cannot be read now")

// Of returns what counts for a tenant: from memory, unless the feed is not to be relied on. Tenants for which nothing is set
// are remembered too, and share the terms of their plan.
func (b *Book) Of(ctx context.Context, id tenant.ID) (*Terms, error) {
	if t, known := b.cache.GetIfPresent(id); known && b.feed.Fresh() {
		return t, nil
	}
	if id == uuid.Nil {
		return nil, tenant.ErrMissing
	}
	b.missed.Inc()
	b.mu.Lock()
	generation := b.generation
	b.mu.Unlock()
	// Nobody who comes after a change shares a read that began before it.
	flight := b.flights.DoChan(id.String()+strconv.FormatUint(generation, 36), func() (any, error) {
		// Not the caller's context: one who gives up must not fail the others, and what an open transaction sees
		// must not be kept.
		ctx, cancel := context.WithTimeout(tenant.NewContext(context.Background(), id), loadTimeout)
		defer cancel()
		t, err := b.load(ctx, id, generation)
		if err != nil {
			return nil, ErrUnavailable.Wrap(fmt.Errorf("read the terms of tenant %s: %w", id, err))
		}
		b.keep(id, t, generation)
		return t, nil
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Terms), nil
	}
}

// keep remembers what was read, unless something was forgotten since generation was taken: it might be the old.
func (b *Book) keep(id tenant.ID, t *Terms, generation uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.generation == generation {
		b.cache.Set(id, t)
	}
}

// forget handles what was announced under TopicTenant.
func (b *Book) forget(key string) {
	id, err := uuid.Parse(key)
	if err != nil { // changes may have been missed
		b.forgetAll()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation++
	b.cache.Invalidate(id)
}

func (b *Book) forgetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation++
	b.cache.InvalidateAll()
	clear(b.granted)
}

// load reads all that is set for a tenant.
func (b *Book) load(ctx context.Context, id tenant.ID, generation uint64) (*Terms, error) {
	limits, _, err := b.readLimits(ctx, id)
	if err != nil {
		return nil, err
	}
	policies, _, err := b.readPolicies(ctx, id)
	if err != nil {
		return nil, err
	}
	plan, err := b.planOf(ctx, limits)
	if err != nil {
		return nil, err
	}
	base := b.shared(plan, generation)
	if nothing(limits) && len(policies.Allow)+len(policies.Routing) == 0 {
		return base, nil
	}
	t := b.words.resolve(base, limits)
	t.policies = policies
	return t, nil
}

// planOf is the plan that counts. One that is not there any more, because the configuration has changed, grants nothing: its
// tenants are entitled to nothing, and held to the rates and quotas of the default plan rather than to none.
func (b *Book) planOf(ctx context.Context, l terms.Limits) (terms.Plan, error) {
	name := l.Plan
	if name == "" {
		name = b.initial
	}
	plan, err := b.Plan(ctx, name)
	if errors.Is(err, terms.ErrUnknownPlan) {
		if b.lost(name) {
			b.log.Error("a tenant has a plan that there is not, and is entitled to nothing", zap.String("plan", name))
		}
		initial := b.plans[b.initial]
		return terms.Plan{Name: name, Version: -1, Grant: terms.Grant{Rate: initial.Rate, KeyRate: initial.KeyRate, Quotas: initial.Quotas}}, nil
	}
	if err == nil {
		b.found(name)
	}
	return plan, err
}

// maxGone is how many plans that are gone are remembered. With more, some are logged again.
const maxGone = 100

// lost tells whether it is news that a plan is gone: its tenants may be many, and are read again and again.
func (b *Book) lost(plan string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.gone[plan]; known {
		return false
	}
	if len(b.gone) >= maxGone {
		clear(b.gone)
	}
	b.gone[plan] = struct{}{}
	return true
}

func (b *Book) found(plan string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.gone, plan)
}

func (b *Book) readLimits(ctx context.Context, id tenant.ID) (terms.Limits, int, error) {
	row, err := b.client.TenantLimits.Get(ctx, id)
	if ent.IsNotFound(err) {
		return terms.Limits{}, 0, nil
	}
	if err != nil {
		return terms.Limits{}, 0, err
	}
	return row.Body, row.Version, nil
}

func (b *Book) readPolicies(ctx context.Context, id tenant.ID) (terms.Policies, int, error) {
	row, err := b.client.TenantPolicies.Get(ctx, id)
	if ent.IsNotFound(err) {
		return terms.Policies{}, 0, nil
	}
	if err != nil {
		return terms.Policies{}, 0, err
	}
	return row.Body, row.Version, nil
}
