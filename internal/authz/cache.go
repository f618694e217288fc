package authz

import (
	"sync"

	"github.com/google/uuid"
)

const (
	shardCount = 64
	// shardTenants bounds the memory: what exceeds it is compiled again when it is asked for again.
	shardTenants = 512
)

// cache holds the compiled grants of the tenants in use.
type cache struct{ shards [shardCount]shard }

// shard counts the invalidations of its tenants together: a count for each tenant would have to be kept for ever. A
// load that meets the invalidation of a neighbor is only not kept.
type shard struct {
	mu         sync.RWMutex
	tenants    map[uuid.UUID]*grants
	generation uint64
}

// of picks by the last byte, which is random in every version of UUID in use.
func (c *cache) of(t uuid.UUID) *shard { return &c.shards[t[len(t)-1]%shardCount] }

// get returns the grants of t, or nil and the generation that a load of them must begin with.
func (c *cache) get(t uuid.UUID) (*grants, uint64) {
	s := c.of(t)
	s.mu.RLock()
	g, generation := s.tenants[t], s.generation
	s.mu.RUnlock()
	return g, generation
}

// put keeps g unless something was invalidated since generation was read.
func (c *cache) put(t uuid.UUID, g *grants, generation uint64) {
	s := c.of(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return
	}
	if s.tenants == nil {
		s.tenants = map[uuid.UUID]*grants{}
	}
	if len(s.tenants) >= shardTenants {
		for some := range s.tenants {
			delete(s.tenants, some)
			break
		}
	}
	s.tenants[t] = g
}

// invalidate forgets t, and what is being loaded.
func (c *cache) invalidate(t uuid.UUID) {
	s := c.of(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	delete(s.tenants, t)
}

func (c *cache) invalidateAll() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.generation++
		clear(s.tenants)
		s.mu.Unlock()
	}
}
