// Package authz decides what callers may do: casbin rules in a table, compiled for each tenant into bitsets.
package authz

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/yourorg/platform/internal/authz/ent"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Topic is what changes of a tenant's rules are announced under. The key is the tenant's id.
const Topic = "authz.tenant"

// loadTimeout limits how long a first use waits for the rules of its tenant.
const loadTimeout = 5 * time.Second

var (
	errRequired    = problem.New(problem.Unauthenticated, "auth.required", "Authentication is required")
	errDenied      = problem.New(problem.Forbidden, "authz.denied", "You may not do this")
	errUnavailable = problem.New(problem.Unavailable, "authz.unavailable", "Access cannot be decided now")
)

// Feed is what is needed of the change feed: it tells the other replicas that something changed, in the caller's
// transaction, and whether what they have told has been heard lately.
type Feed interface {
	Announce(ctx context.Context, topic, key string) error
	Fresh() bool
}

// Authorizer decides by the compiled rules of a tenant and changes them.
type Authorizer struct {
	client     *ent.Client
	run        tx.Runner
	feed       Feed
	vocabulary *vocabulary
	cache      cache
	missed     prometheus.Counter
	flights    singleflight.Group
	now        func() time.Time // what time windows are held against
}

var (
	_ authz.Authorizer = (*Authorizer)(nil)
	_ authz.Grants     = (*Authorizer)(nil)
	_ authz.Explainer  = (*Authorizer)(nil)
)

// New fails when a permission of the catalog is malformed or declared twice. It loads nothing.
func New(client *ent.Client, run tx.Runner, catalog Catalog, feed Feed) (*Authorizer, error) {
	v, err := newVocabulary(catalog.Permissions())
	if err != nil {
		return nil, fmt.Errorf("read the permissions: %w", err)
	}
	return &Authorizer{client: client, run: run, feed: feed, vocabulary: v, missed: prometheus.NewCounter(prometheus.CounterOpts{}), now: time.Now}, nil
}

// Authorize returns nil when the caller in ctx holds p in the tenant in ctx, which must be the caller's own. It takes
// well under a microsecond, except on the first use of a tenant since its rules changed, and while the change feed cannot be
// read: rules that may have changed elsewhere are then read again each time. It does not see changes that a transaction
// in ctx has yet to commit.
func (a *Authorizer) Authorize(ctx context.Context, p perm.Permission) error {
	q, err := a.asked(ctx, p)
	if err != nil {
		return err
	}
	if q.allows() || a.meets(q, nil) {
		return nil
	}
	return denied(p)
}

// question is what a decision is made from: the compiled grants of the tenant, the caller, and the permission's place.
type question struct {
	held   *grants
	caller *auth.Caller
	index  int
	listed bool // by a tenant's key, which holds what it lists, and nothing by a role
}

// allows answers for what is held without a condition.
func (q question) allows() bool { return q.listed || q.held.allows(q.caller.UserID, q.index) }

// asked refuses what no grant can help with.
func (a *Authorizer) asked(ctx context.Context, p perm.Permission) (question, error) {
	caller, ok := auth.FromContext(ctx)
	if !ok {
		return question{}, errRequired
	}
	id, ok := tenant.FromContext(ctx)
	if !ok || id != caller.TenantID {
		return question{}, denied(p)
	}
	index, declared := a.vocabulary.index[p]
	if !declared {
		return question{}, denied(p)
	}
	if caller.Key != nil {
		switch {
		case !caller.Key.Lists(p):
			return question{}, denied(p)
		case caller.Key.Personal: // and its user must hold it
		case a.vocabulary.operator.has(index):
			return question{}, denied(p)
		default:
			return question{caller: caller, index: index, listed: true}, nil
		}
	}
	fresh := a.feed.Fresh() // before looking: news that arrives in between is then seen below, or the feed counts as stale
	held, generation := a.cache.get(id)
	var err error
	switch {
	case !fresh: // alone: a load that others began earlier may be older than what has changed
		held, err = a.read(id, generation)
	case held == nil:
		held, err = a.load(ctx, id, generation)
	}
	if err != nil {
		return question{}, fmt.Errorf("load the rules of tenant %s: %w", id, err)
	}
	return question{held: held, caller: caller, index: index}, nil
}

func denied(p perm.Permission) error {
	return errDenied.Detailf("This needs the permission %q.", string(p))
}

// Invalidate makes the next decision about the tenant read its rules again, also when a read is under way now.
func (a *Authorizer) Invalidate(t uuid.UUID) { a.cache.invalidate(t) }

// Changed handles what another replica announced under Topic. Any key but a tenant's id means that announcements may
// have been missed, so that the rules of every tenant are read again.
func (a *Authorizer) Changed(key string) {
	if t, ok := parseID(key); ok {
		a.Invalidate(t)
		return
	}
	a.cache.invalidateAll()
}

// load compiles a tenant once for all who wait. Its key has the generation, so that nobody who comes after an
// invalidation shares a read that began before it.
func (a *Authorizer) load(ctx context.Context, t uuid.UUID, generation uint64) (*grants, error) {
	key := string(binary.LittleEndian.AppendUint64(t[:], generation))
	flight := a.flights.DoChan(key, func() (any, error) { return a.read(t, generation) })
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*grants), nil
	}
}

// read compiles a tenant. It does so outside of any caller's context: one who gives up must not fail the others, and what an
// open transaction sees must not be kept.
func (a *Authorizer) read(t uuid.UUID, generation uint64) (*grants, error) {
	a.missed.Inc()
	ctx, cancel := context.WithTimeout(tenant.NewContext(context.Background(), t), loadTimeout)
	defer cancel()
	rules, err := a.rules(ctx, entrule.TenantID(t))
	if err != nil && ctx.Err() != nil {
		return nil, errUnavailable.Wrap(err)
	}
	if err != nil {
		return nil, err
	}
	held := compile(a.vocabulary, rules)
	a.cache.put(t, held, generation)
	return held, nil
}

// changed makes the new rules of a tenant count, here once the transaction in ctx commits and elsewhere by the feed.
func (a *Authorizer) changed(ctx context.Context, t uuid.UUID) error {
	if err := a.feed.Announce(ctx, Topic, t.String()); err != nil {
		return fmt.Errorf("announce the rules of tenant %s: %w", t, err)
	}
	tx.AfterCommit(ctx, func(context.Context) { a.Invalidate(t) })
	return nil
}
