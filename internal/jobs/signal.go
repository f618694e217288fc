package jobs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
)

const (
	channel   = "platform_jobs"
	heraldGap = 5 * time.Millisecond // at most one notification in this time, however many transactions commit
)

// Signal wakes those who wait for jobs: in this process at once, in others through the database where it can, once for
// all that has committed in a moment. It is a hint. What it does not reach is found by looking.
type Signal struct {
	db  *database.Driver
	log *zap.Logger

	mu      sync.Mutex
	wakened []func()

	due    chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// NewSignal returns a signal that tells other processes nothing before Start.
func NewSignal(db *database.Driver, log *zap.Logger) *Signal {
	return &Signal{db: db, log: log, due: make(chan struct{}, 1)}
}

// on calls fn, which must be quick, whenever there may be work.
func (s *Signal) on(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakened = append(s.wakened, fn)
}

// wake tells this process.
func (s *Signal) wake() {
	s.mu.Lock()
	fns := s.wakened
	s.mu.Unlock()
	for _, fn := range fns {
		fn()
	}
}

// raise tells this process and the others.
func (s *Signal) raise() {
	s.wake()
	poke(s.due)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
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
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.due:
		}
		if err := s.db.Notify(ctx, channel); err != nil && ctx.Err() == nil {
			s.log.Debug("other replicas cannot be told of jobs, they will find them by looking", zap.Error(err))
		}
		rest(ctx, heraldGap)
	}
}

// Stop ends it.
func (s *Signal) Stop(ctx context.Context) error {
	s.cancel()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop telling of jobs: %w", ctx.Err())
	}
}

// listen wakes this process whenever another one says so, until ctx ends.
func (s *Signal) listen(ctx context.Context, pause time.Duration) {
	failing := false
	for s.db.Listens() && ctx.Err() == nil {
		err := s.db.Listen(ctx, channel, func() { failing = false; s.wake() })
		if ctx.Err() != nil {
			return
		}
		if !failing {
			s.log.Warn("notifications of jobs are not heard, they will be found by looking", zap.Error(err))
		}
		failing = true
		rest(ctx, pause)
	}
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
