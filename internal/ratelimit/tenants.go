package ratelimit

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/cells"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// errUnknown is the answer when Redis is away and ratelimit.on_error is deny.
var errUnknown = problem.New(problem.Unavailable, "request.rate_unknown", "The rate of requests cannot be counted now")

// Caller is who sends a request, and how fast that may be done.
type Caller struct {
	Tenant  tenant.ID
	Rate    *terms.Rate // of the tenant; nil means that of the configuration
	Key     uuid.UUID   // of the API key; uuid.Nil when it is none
	KeyRate *terms.Rate // of the key; nil means that of the configuration
}

// Decision is what has become of a request.
type Decision struct {
	Rate    terms.Rate // of the tenant
	KeyRate terms.Rate // of the key; zero when it has none of its own

	Counted bool // tells whether what follows is known
	Tenant  Standing
	Key     Standing

	Refused string        // "tenant" or "key"; empty lets the request through
	Wait    time.Duration // until there would be room for it
}

// Err is ErrLimited when the request is refused.
func (d *Decision) Err() error {
	if d.Refused == "" {
		return nil
	}
	return ratelimit.ErrLimited.After(d.Wait)
}

// Tenants bound how fast requests of tenants come, and of each of their API keys. A request is counted for both, or for
// none. The cells of a tenant's keys lie in the same shard as its own, so that one lock guards a decision.
type Tenants struct {
	store *Store
	set   atomic.Pointer[rates]
	start time.Time
	seed  maphash.Seed // so that nobody can choose ids that fall into one shard
	parts [shards]shard
}

// rates are those of the configuration.
type rates struct {
	tenant, key terms.Rate
	onError     string
}

const shards = 16

type shard struct {
	mu   sync.Mutex
	seen *cells.Cells[holder] // when each has drained, since start

	_ [64]byte // keeps the lock of the next shard off this cache line
}

// holder is a key of a tenant, or the tenant as a whole.
type holder struct{ tenant, key uuid.UUID }

// NewTenants has counted nothing.
func NewTenants(cfg Config, s *Store) *Tenants {
	t := &Tenants{store: s, start: time.Now(), seed: maphash.MakeSeed()}
	for i := range t.parts {
		t.parts[i].seen = cells.New[holder](1)
	}
	t.Set(cfg)
	return t
}

// Set changes the rates of those who have none of their own. What was counted stays counted.
func (t *Tenants) Set(cfg Config) {
	t.store.onError.Store(&cfg.OnError)
	t.set.Store(&rates{cfg.Tenant.rate(), cfg.Key.rate(), cfg.OnError})
	for i := range t.parts {
		t.parts[i].limit(max(cfg.MaxKeys/shards, 2)) // a decision may need two
	}
}

func (s *shard) limit(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Limit(most)
}

// Or implements ratelimit.Defaults.
func (t *Tenants) Or(whole, key *terms.Rate) (terms.Rate, *terms.Rate) {
	set := t.set.Load()
	if key == nil && set.key.PerSecond > 0 {
		key = &set.key
	}
	if whole == nil {
		return set.tenant, key
	}
	return *whole, key
}

// Take counts a request. An error means that it cannot be counted, and is to be refused for that.
func (t *Tenants) Take(ctx context.Context, c *Caller) (d Decision, err error) {
	set := t.set.Load()
	d.Rate, d.KeyRate = set.tenant, terms.Rate{}
	if c.Rate != nil {
		d.Rate = *c.Rate
	}
	if c.Key != uuid.Nil {
		d.KeyRate = set.key
		if c.KeyRate != nil {
			d.KeyRate = *c.KeyRate
		}
	}
	if t.store.shared() {
		if o, known := t.ask(ctx, c, &d); known {
			d.decide(o)
			t.store.count(caller, inRedis, d.outcome())
			return d, nil
		}
		switch set.onError {
		case onErrorAllow:
			t.store.count(caller, nowhere, allowed)
			return d, nil
		case onErrorDeny:
			t.store.count(caller, nowhere, refused)
			return d, errUnknown.After(recheck)
		}
	}
	d.decide(t.take(c, &d, time.Since(t.start)))
	t.store.count(caller, inMemory, d.outcome())
	return d, nil
}

// take decides in memory. A request that was overtaken by a later one is as if it had come then.
func (t *Tenants) take(c *Caller, d *Decision, now time.Duration) (o outcome) {
	tenants := paceOf(d.Rate)
	part := &t.parts[maphash.Comparable(t.seed, c.Tenant)%shards]
	part.mu.Lock()
	defer part.mu.Unlock()
	whole := part.seen.Use(holder{tenant: c.Tenant})
	o.ahead[0] = tenants.ahead(*part.seen.At(whole), now)
	o.counted = tenants.wait(o.ahead[0]) == 0
	if d.KeyRate.PerSecond == 0 {
		if o.counted {
			o.ahead[0] += tenants.every
			*part.seen.At(whole) = now + o.ahead[0]
		}
		return o
	}
	keys := paceOf(d.KeyRate)
	one := part.seen.Use(holder{c.Tenant, c.Key})
	o.ahead[1] = keys.ahead(*part.seen.At(one), now)
	if o.counted = o.counted && keys.wait(o.ahead[1]) == 0; o.counted {
		o.ahead[0] += tenants.every
		o.ahead[1] += keys.every
		*part.seen.At(whole), *part.seen.At(one) = now+o.ahead[0], now+o.ahead[1]
	}
	return o
}

// ask decides in Redis, in one round trip. The tag in braces keeps both cells on one node of a cluster.
func (t *Tenants) ask(ctx context.Context, c *Caller, d *Decision) (outcome, bool) {
	id := t.store.tenantKey(c.Tenant)
	if d.KeyRate.PerSecond == 0 {
		return t.store.take(ctx, ask{id, paceOf(d.Rate)})
	}
	return t.store.take(ctx, ask{id, paceOf(d.Rate)}, ask{id + ":" + c.Key.String(), paceOf(d.KeyRate)})
}

// decide says what an outcome means. Of two limits that refuse, the one that takes longer is named.
func (d *Decision) decide(o outcome) {
	d.Counted = true
	tenants := paceOf(d.Rate)
	d.Tenant = tenants.standing(o.ahead[0])
	if !o.counted {
		d.Refused, d.Wait = "tenant", tenants.wait(o.ahead[0])
	}
	if d.KeyRate.PerSecond == 0 {
		return
	}
	keys := paceOf(d.KeyRate)
	d.Key = keys.standing(o.ahead[1])
	if wait := keys.wait(o.ahead[1]); !o.counted && wait > d.Wait {
		d.Refused, d.Wait = "key", wait
	}
}

func (d *Decision) outcome() result {
	if d.Refused == "" {
		return allowed
	}
	return refused
}
