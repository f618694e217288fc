package outbox

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/event"
)

const (
	maxStuck = 4           // handlers of one subscriber that were given up on and still run: no more are begun
	grace    = time.Second // what a handler has to notice that its time is over
)

// hands calls the handlers of one subscriber.
type hands struct {
	*Subscriber
	topics  *Topics
	timeout time.Duration
	errors  errorbus.Reporter
	tracer  *tracing.Tracer
	stuck   atomic.Int32
	quick   atomic.Int32 // events in a row that were handled without delay
}

// paused tells whether so many handlers are stuck that the subscriber gets nothing more to do.
func (h *hands) paused() bool { return h.stuck.Load() >= maxStuck }

// pace is how many events may share a transaction: one after a slow one, and twice as many each time that goes well.
func (h *hands) pace() int { return min(batchSize, int(h.quick.Load())+1) }

// handle calls the handler of e, and notes how long that took.
func (h *hands) handle(ctx context.Context, e *event.Envelope) error {
	begun := time.Now()
	err := h.call(ctx, e)
	if time.Since(begun) > batchTime {
		h.quick.Store(0)
	} else if h.quick.Load() < batchSize {
		h.quick.Add(1)
	}
	return err
}

// call calls the handler of e in the transaction of ctx. A panic becomes an error. A handler that neither finishes
// nor obeys is left behind: the end of the transaction takes away what it could still do with it.
func (h *hands) call(ctx context.Context, e *event.Envelope) (err error) {
	on, ok := h.on[e.Topic]
	if !ok {
		return event.Permanent(event.ErrNoSubscriber.Wrap(fmt.Errorf("%s no longer subscribes to %s", h.Name, e.Topic)))
	}
	if e, err = h.topics.current(on, e); err != nil {
		return err
	}
	ctx, span := h.begin(restore(ctx, e), e)
	defer func() { tracing.End(span, err) }()
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	ended := make(chan error, 1)
	state := &atomic.Int32{}
	go func() {
		err := fmt.Errorf("the handler ended its goroutine: %w", event.ErrPanic)
		defer func() {
			if r := recover(); r != nil {
				h.errors.Report(ctx, errorbus.Report{
					Source: "events", Operation: h.Name, Err: fmt.Errorf("the handler of event %s panicked: %v", e.ID, r), Stack: debug.Stack(),
				})
				err = event.ErrPanic.Wrap(fmt.Errorf("panic: %v", r))
			}
			ended <- err
			if state.Add(1) == 2 {
				h.stuck.Add(-1)
			}
		}()
		err = on.Handle(ctx, e)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case err := <-ended:
		return err
	case <-patience.C:
	}
	h.stuck.Add(1)
	if state.Add(1) == 2 { // it has just ended after all
		h.stuck.Add(-1)
	}
	return event.ErrStuck.Wrap(fmt.Errorf("the handler of %s for %s neither finished within %s nor obeyed its context", h.Name, e.Topic, h.timeout))
}
