package settings

import (
	"sync"
)

const (
	shardCount = 64
	// shardScopes bounds the memory: what exceeds it is read again when it is asked for again.
	shardScopes = 1024
)

// cache holds the scopes in use, also those of users who have chosen nothing.
type cache struct{ shards [shardCount]shard }

// shard counts what its scopes have been told to forget together: a count for each would have to be kept for ever. A
// read that meets the change of a neighbor is only not kept.
type shard struct {
	mu         sync.RWMutex
	scopes     map[scopeID]*scope
	generation uint64
}

// of picks by bytes that are random in every version of UUID in use.
func (c *cache) of(id scopeID) *shard {
	return &c.shards[(id.tenant[15]^id.user[15])%shardCount]
}

// get returns a scope, or nil and the generation that a read of it must begin with.
func (c *cache) get(id scopeID) (*scope, uint64) {
	s := c.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.scopes[id], s.generation
}

// put keeps what was read unless something was forgotten since generation was taken: it might be the old one.
func (c *cache) put(read *scope, generation uint64) {
	s := c.of(read.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return
	}
	if s.scopes == nil {
		s.scopes = map[scopeID]*scope{}
	}
	if _, there := s.scopes[read.id]; !there && len(s.scopes) >= shardScopes {
		for some := range s.scopes {
			delete(s.scopes, some)
			break
		}
	}
	s.scopes[read.id] = read
}

// forget also spoils the reads that are under way.
func (c *cache) forget(id scopeID) {
	s := c.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	delete(s.scopes, id)
}

func (c *cache) forgetAll() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.generation++
		clear(s.scopes)
		s.mu.Unlock()
	}
}
