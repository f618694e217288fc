// Package admission bounds how much is worked on at once.
package admission

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// Why somebody is not let in.
var (
	ErrFull    = errors.New("too many are waiting")
	ErrTimeout = errors.New("no place became free in time")
)

// Gate lets a limited number in; the others wait in the order in which they came, and not for long.
type Gate struct {
	cfg Config

	mu      sync.Mutex
	limit   int
	queue   int
	adapt   *gradient // nil when the limit stays
	inside  int
	waiting list.List // of *waiter; whoever came first is in front
	refused [reasons]uint64
}

// waiter is somebody in the queue. Whoever leaves hands over the place: it is never free in between, so that nobody
// who comes later can take it.
type waiter struct{ turn chan struct{} }

// New returns an empty gate.
func New(cfg Config) *Gate {
	g := &Gate{cfg: cfg}
	g.Set(cfg)
	return g
}

// Set changes the limit and the length of the queue. Whoever is inside or waits already stays, and so does what a gate that
// adapts has learned.
func (g *Gate) Set(cfg Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit, g.queue = cfg.Limit, cfg.Queue
	switch {
	case g.adapt != nil:
		g.limit = g.adapt.bound(cfg.Limit)
	case g.cfg.Adaptive:
		g.adapt = newGradient(cfg.Limit)
	}
	g.call()
}

// Enter returns nil when the caller is let in, who has to Leave then. It is ErrFull at once, ErrTimeout after the queue's
// timeout, and the context's error when that ends first.
func (g *Gate) Enter(ctx context.Context) error {
	g.mu.Lock()
	if g.inside < g.limit {
		g.inside++
		g.mu.Unlock()
		return nil
	}
	if g.waiting.Len() >= g.queue {
		g.refused[full]++
		g.mu.Unlock()
		return ErrFull
	}
	w := &waiter{turn: make(chan struct{})}
	place := g.waiting.PushBack(w)
	g.mu.Unlock()

	patience := time.NewTimer(g.cfg.QueueTimeout)
	defer patience.Stop()
	select {
	case <-w.turn:
		return nil
	case <-patience.C:
		return g.giveUp(place, late, ErrTimeout)
	case <-ctx.Done():
		return g.giveUp(place, gone, ctx.Err())
	}
}

// giveUp leaves the queue, unless the place was handed over at this very moment.
func (g *Gate) giveUp(place *list.Element, why reason, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-place.Value.(*waiter).turn:
		return nil
	default:
		g.waiting.Remove(place)
		g.refused[why]++
		return err
	}
}

// Leave makes room for the next.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.call()
}

// LeaveAfter is Leave for a gate that adapts: took is how long the caller was inside.
func (g *Gate) LeaveAfter(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.adapt != nil {
		g.limit = g.adapt.observe(time.Now(), took, g.inside)
	}
	g.inside--
	g.call()
}

// Adapts tells whether the limit follows how long the callers are inside.
func (g *Gate) Adapts() bool { return g.cfg.Adaptive }

// call lets in whoever has waited for the longest, as long as there is room. It needs the lock.
func (g *Gate) call() {
	for first := g.waiting.Front(); first != nil && g.inside < g.limit; first = g.waiting.Front() {
		g.inside++
		close(g.waiting.Remove(first).(*waiter).turn)
	}
}
