package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
)

const (
	channel   = "platform_outbox"
	heraldGap = 5 * time.Millisecond // at most one notification in this time, however many transactions commit
)

// Signal wakes those who work on the outbox: in this process at once, in others through the database where it can, once
// for all that has committed in a moment. It is a hint. What it does not reach is found by looking.
type Signal struct {
	db  *database.Driver
	log *zap.Logger

	mu     sync.Mutex
	queues map[string]chan struct{}

	due    chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// NewSignal returns a signal that tells other processes nothing before Start.
func NewSignal(db *database.Driver, log *zap.Logger) *Signal {
	return &Signal{db: db, log: log, queues: map[string]chan struct{}{}, due: make(chan struct{}, 1)}
}

// queue returns what wakes so many workers on one destination.
func (s *Signal) queue(name string, workers int) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		s.queues[name] = make(chan struct{}, workers)
	}
	return s.queues[name]
}

// wake wakes the workers on one destination in this process.
func (s *Signal) wake(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[name]; q != nil {
		poke(q)
	}
}

// raise wakes the workers on these destinations, here and elsewhere.
func (s *Signal) raise(names map[string]bool) {
	if len(names) == 0 {
		return
	}
	for name := range names {
		s.wake(name)
	}
	poke(s.due)
}

// all wakes every worker of this process.
func (s *Signal) all() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		poke(q)
	}
}

// poke wakes everybody who waits for c, or is about to.
func poke(c chan struct{}) {
	for {
		select {
		case c <- struct{}{}:
		default:
			return
		}
	}
}

// Start begins to tell other processes.
func (s *Signal) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		if s.db.Listens() {
			s.herald(ctx)
		}
	}()
	return nil
}

func (s *Signal) herald(ctx context.Context) {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.due:
		}
		err := s.db.Notify(ctx, channel)
		if err != nil && ctx.Err() == nil && !failing {
			s.log.Warn("the workers cannot be notified of events, they will find them by looking", zap.Error(err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-time.After(heraldGap):
		}
	}
}

// Stop ends it.
func (s *Signal) Stop(ctx context.Context) error {
	s.cancel()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop telling of events: %w", ctx.Err())
	}
}

// listen wakes all workers whenever another process says so, until ctx ends.
func (s *Signal) listen(ctx context.Context, pause time.Duration) {
	failing := false
	for s.db.Listens() && ctx.Err() == nil {
		err := s.db.Listen(ctx, channel, func() { failing = false; s.all() })
		if ctx.Err() != nil {
			return
		}
		if !failing {
			s.log.Warn("notifications of events are not heard, they will be found by looking", zap.Error(err))
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
