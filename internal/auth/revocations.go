package auth

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// revocations remembers the sessions that have ended for as long as one of their tokens may be cached.
type revocations struct {
	keep  time.Duration
	limit int

	mu    sync.RWMutex
	ended map[uuid.UUID]struct{}
	queue []revocation // the oldest first
}

type revocation struct {
	session uuid.UUID
	until   time.Time
}

func newRevocations(keep time.Duration, limit int) *revocations {
	return &revocations{keep: keep, limit: limit, ended: map[uuid.UUID]struct{}{}}
}

func (r *revocations) has(session uuid.UUID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ended := r.ended[session]
	return ended
}

// add remembers that session has ended. When there is no room left it forgets the others, after calling doubt, which must
// see to it that nobody relies on them. The lock is held throughout, so that none is added and forgotten in between.
func (r *revocations) add(session uuid.UUID, now time.Time, doubt func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 && now.After(r.queue[0].until) {
		delete(r.ended, r.queue[0].session)
		r.queue = r.queue[1:]
	}
	if _, known := r.ended[session]; known {
		return
	}
	if len(r.queue) >= r.limit {
		doubt()
		clear(r.ended)
		r.queue = nil
	}
	r.ended[session] = struct{}{}
	r.queue = append(r.queue, revocation{session: session, until: now.Add(r.keep)})
}
