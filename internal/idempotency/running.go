package idempotency

import (
	"sync"

	"github.com/google/uuid"
)

// running is what this process is at: whoever comes second is told so without waiting for a connection, or for the one
// writer of SQLite.
type running struct {
	mu     sync.Mutex
	places map[uuid.UUID]struct{}
}

func (r *running) begin(id uuid.UUID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, busy := r.places[id]; busy {
		return false
	}
	r.places[id] = struct{}{}
	return true
}

func (r *running) end(id uuid.UUID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.places, id)
}
