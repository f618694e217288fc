package jobs

import (
	"context"
	"time"
)

const maxBatch = 256 // entries that are written together

// gatherer has entries written together that come while others are being written, so that a busy replica needs few
// transactions and an idle one waits for nothing. With a linger it also waits that long for more.
type gatherer[T any] struct {
	write  func([]T)
	linger time.Duration

	entries chan T
	quit    chan struct{}
	done    chan struct{}
}

// gather calls write with batches of entries until stop is called and everything is written.
func gather[T any](linger time.Duration, write func([]T)) *gatherer[T] {
	g := &gatherer[T]{
		write: write, linger: linger,
		entries: make(chan T, maxBatch), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go g.run()
	return g
}

func (g *gatherer[T]) run() {
	defer close(g.done)
	for {
		var batch []T
		select {
		case e := <-g.entries:
			batch = append(batch, e)
			g.wait()
		case <-g.quit:
			select {
			case e := <-g.entries:
				batch = append(batch, e)
			default:
				return
			}
		}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case e := <-g.entries:
				batch = append(batch, e)
			default:
				more = false
			}
		}
		g.write(batch)
	}
}

func (g *gatherer[T]) wait() {
	if g.linger == 0 {
		return
	}
	timer := time.NewTimer(g.linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.quit:
	}
}

// stop ends it once nobody uses it any more, and waits for what is left to be written while ctx allows.
func (g *gatherer[T]) stop(ctx context.Context) {
	close(g.quit)
	select {
	case <-g.done:
	case <-ctx.Done():
	}
}

func (g *gatherer[T]) stopping() bool {
	select {
	case <-g.quit:
		return true
	default:
		return false
	}
}
