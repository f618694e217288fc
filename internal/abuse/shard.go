package abuse

import (
	"sync"
	"time"
)

// shard remembers some of the clients in the order in which it saw them last. Its cells lie in one slice and are linked by
// their places in it: a million clients leave the garbage collector nothing to follow.
type shard struct {
	mu    sync.Mutex
	max   int
	at    map[uint64]int32
	cells []cell // the first is no client: it links the oldest with the newest

	_ [64]byte // keeps the lock of the next shard off this cache line
}

type cell struct {
	client       uint64
	drained      time.Duration // since the guard's start
	newer, older int32
}

func (s *shard) init(most int) {
	s.max, s.at, s.cells = max(most, 1), map[uint64]int32{}, make([]cell, 1)
}

// cell is what is known of a client, who is the newest now. A new one takes the place of the oldest when there are
// enough. It must not be used after the lock is released.
func (s *shard) cell(client uint64) *time.Duration {
	i, known := s.at[client]
	switch {
	case known:
		s.unlink(i)
	case len(s.cells) <= s.max:
		i = int32(len(s.cells)) // at most max
		s.cells = append(s.cells, cell{client: client})
		s.at[client] = i
	default:
		i = s.cells[0].newer // round from the newest to the oldest
		s.unlink(i)
		delete(s.at, s.cells[i].client)
		s.cells[i] = cell{client: client}
		s.at[client] = i
	}
	newest := s.cells[0].older
	s.cells[i].older, s.cells[i].newer = newest, 0
	s.cells[newest].newer, s.cells[0].older = i, i
	return &s.cells[i].drained
}

func (s *shard) unlink(i int32) {
	c := s.cells[i]
	s.cells[c.older].newer, s.cells[c.newer].older = c.newer, c.older
}

func (s *shard) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}
