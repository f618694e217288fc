package abuse

import (
	"sync"
	"time"
)

// Tally sums up what is refused, so that a log gets one line a second and not one for each refusal: a flood must not
// fill the disk. The zero value is ready.
type Tally struct {
	mu    sync.Mutex
	since int
	told  time.Time
}

// Add counts a refusal. When it is time for a line, it tells how many there were since the last one, this one included;
// otherwise 0.
func (t *Tally) Add() (refused int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since++
	now := time.Now()
	if !t.told.IsZero() && now.Sub(t.told) < time.Second {
		return 0
	}
	refused, t.since, t.told = t.since, 0, now
	return refused
}
