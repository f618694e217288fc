package identity

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	seenEvery = time.Minute // how exactly it is known when a session was last used
	seenPause = time.Second // in which notes are gathered for one statement
	seenBatch = 500
	seenLimit = 100_000 // sessions that wait to be written; more are forgotten until they are seen again
	seenTime  = 5 * time.Second
)

// seen notes in the background which sessions are in use.
type seen struct {
	write func(ctx context.Context, sessions []uuid.UUID, at time.Time) error

	mu      sync.Mutex
	waiting map[uuid.UUID]struct{}
	wake    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}
}

func newSeen(write func(context.Context, []uuid.UUID, time.Time) error) *seen {
	return &seen{write: write, waiting: map[uuid.UUID]struct{}{}, wake: make(chan struct{}, 1)}
}

func (s *seen) add(session uuid.UUID) {
	s.mu.Lock()
	if len(s.waiting) < seenLimit {
		s.waiting[session] = struct{}{}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (s *seen) start(context.Context) error {
	run, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		for {
			select {
			case <-run.Done():
				return
			case <-s.wake:
			}
			select {
			case <-run.Done():
				return
			case <-time.After(seenPause):
			}
			// An error is not worth a word: when the database is away all else says so, and these notes are made again.
			_ = s.flush(run)
		}
	}()
	return nil
}

// stop writes what still waits.
func (s *seen) stop(ctx context.Context) error {
	s.cancel()
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("stop noting sessions: %w", ctx.Err())
	}
	return s.flush(ctx)
}

func (s *seen) flush(ctx context.Context) error {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.waiting))
	clear(s.waiting)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, seenTime)
	defer cancel()
	at := now()
	for batch := range slices.Chunk(all, seenBatch) {
		if err := s.write(ctx, batch, at); err != nil {
			return err
		}
	}
	return nil
}
