package apikeys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	usedEvery = time.Minute // how exactly it is known when a key was last used
	usedPause = time.Second // in which notes are gathered
	usedLimit = 100_000     // keys that wait to be written; more are forgotten until they are used again
	usedTime  = 5 * time.Second
)

// uses notes in the background which keys are in use, and from where.
type uses struct {
	write func(ctx context.Context, keys []uuid.UUID, ip string, at time.Time) error

	mu      sync.Mutex
	waiting map[uuid.UUID]string // the address by the key
	wake    chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}
}

func newUses(write func(context.Context, []uuid.UUID, string, time.Time) error) *uses {
	return &uses{write: write, waiting: map[uuid.UUID]string{}, wake: make(chan struct{}, 1)}
}

func (u *uses) add(key uuid.UUID, ip string) {
	u.mu.Lock()
	if _, there := u.waiting[key]; there || len(u.waiting) < usedLimit {
		u.waiting[key] = ip
	}
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (u *uses) start(context.Context) error {
	run, cancel := context.WithCancel(context.Background())
	u.cancel, u.done = cancel, make(chan struct{})
	go func() {
		defer close(u.done)
		for {
			select {
			case <-run.Done():
				return
			case <-u.wake:
			}
			select {
			case <-run.Done():
				return
			case <-time.After(usedPause):
			}
			// An error is not worth a word: when the database is away all else says so, and these notes are made again.
			_ = u.flush(run)
		}
	}()
	return nil
}

// stop writes what still waits.
func (u *uses) stop(ctx context.Context) error {
	u.cancel()
	select {
	case <-u.done:
	case <-ctx.Done():
		return fmt.Errorf("stop noting keys: %w", ctx.Err())
	}
	return u.flush(ctx)
}

func (u *uses) flush(ctx context.Context) error {
	from := map[string][]uuid.UUID{}
	u.mu.Lock()
	for key, ip := range u.waiting {
		from[ip] = append(from[ip], key)
	}
	clear(u.waiting)
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, usedTime)
	defer cancel()
	at := now()
	for ip, keys := range from {
		for len(keys) > 0 {
			n := min(len(keys), batch)
			if err := u.write(ctx, keys[:n], ip, at); err != nil {
				return err
			}
			keys = keys[n:]
		}
	}
	return nil
}
