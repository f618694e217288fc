package abuse

import (
	"sync"
	"time"

	"github.com/yourorg/platform/internal/cells"
)

// shard remembers some of the clients.
type shard struct {
	mu   sync.Mutex
	seen *cells.Cells[uint64]

	_ [64]byte // keeps the lock of the next shard off this cache line
}

func (s *shard) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Len()
}

// limit forgets what a client is ahead beyond most.
func (s *shard) limit(most time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Cap(most)
}
