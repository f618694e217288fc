package quota

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// meters are the tenants whose requests are being counted, in shards that do not wait for each other.
type meters [64]struct {
	mu sync.RWMutex
	by map[tenant.ID]*meter
}

func (all *meters) init() {
	for i := range all {
		all[i].by = map[tenant.ID]*meter{}
	}
}

func shard(id tenant.ID) byte { return id[len(tenant.ID{})-1] % 64 } // random in every version of ids that is in use

// find returns the meter of a tenant, or nil.
func (all *meters) find(id tenant.ID) *meter {
	s := &all[shard(id)]
	s.mu.RLock()
	m := s.by[id]
	s.mu.RUnlock()
	return m
}

// of returns the meter of a tenant, which it makes when there is none.
func (all *meters) of(id tenant.ID) *meter {
	if m := all.find(id); m != nil {
		return m
	}
	s := &all[shard(id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.by[id]
	if m == nil {
		m = &meter{id: id}
		s.by[id] = m
	}
	return m
}

// drop forgets a meter.
func (all *meters) drop(m *meter) {
	s := &all[shard(m.id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[m.id] == m {
		delete(s.by, m.id)
	}
}

// each lists all meters.
func (all *meters) each() []*meter {
	var list []*meter
	for i := range all {
		s := &all[i]
		s.mu.RLock()
		for _, m := range s.by {
			list = append(list, m)
		}
		s.mu.RUnlock()
	}
	return list
}

// meter counts the requests of one tenant on this replica.
type meter struct {
	id    tenant.ID
	chunk atomic.Pointer[chunk] // nil before the first, and never afterwards

	mu      sync.Mutex // guards what follows, and who replaces the chunk
	flight  *flight    // the refill that is under way
	waiting int64      // requests that need one
	refused *refusal
	dropped bool // there may be another meter of the tenant

	taken time.Time // when the chunk was
	given int64     // how large it was then
	seen  int64     // what was left of it at the last sweep
	quiet int       // sweeps since somebody took of it
}

// flight is a refill. All requests that need one wait for the same.
type flight struct{ done chan struct{} }

// chunk is a number of requests that are counted in the database, and that this replica may serve without asking again.
type chunk struct {
	left   atomic.Int64
	terms  atomic.Pointer[terms.Terms]
	limits []quota.Limit // of the terms
	at     numbers       // where they are counted
	ends   time.Time     // they must not be served later; zero when only the lifetime is limited
	low    int64         // the next refill begins when so many are left; -1 is never

	shown  Standing // the tightest limit
	beyond int64    // what it has left beside the chunk
}

// closed is more than is ever added to what is left.
const closed = math.MinInt64 / 2

// take serves one request, if there is one left.
func (c *chunk) take() (left int64, ok bool) {
	for {
		n := c.left.Load()
		if n <= 0 {
			return 0, false
		}
		if c.left.CompareAndSwap(n, n-1) {
			return n - 1, true
		}
	}
}

// close ends the chunk, and returns what nobody has taken.
func (c *chunk) close() int64 {
	if c == nil {
		return 0
	}
	return max(c.left.Swap(closed), 0)
}

// current tells whether it is not too late to serve what is left.
func (c *chunk) current(now time.Time) bool { return c.ends.IsZero() || now.Before(c.ends) }

func (c *chunk) standing(left int64) Standing {
	s := c.shown
	if s.Limit.Window != "" {
		s.Remaining = c.beyond + left
	}
	return s
}

// refusal is remembered, so that refused requests cost no database. It holds until the terms change or its time is over.
type refusal struct {
	limits  []quota.Limit
	until   time.Time
	noticed time.Time
	failed  error    // it is not known whether there is room
	shown   Standing // the limit that has none for the longest
	used    int64
}

func (r *refusal) holds(now time.Time) bool {
	return now.Before(r.until) && !now.Before(r.noticed) // a clock that was set back must not make it last
}
