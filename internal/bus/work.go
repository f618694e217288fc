package bus

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/pkg/event"
)

// How long an event waits for the one before it, which another replica may be handling, until the broker is taken to have
// lost that one.
const (
	patience     = time.Second
	firstPause   = 2 * time.Millisecond
	longestPause = 50 * time.Millisecond
)

// worker handles what is in a line, one transaction after the other.
type worker struct {
	*Consumers
	line       *line
	subscriber string
}

// work goes on until ctx ends, and finishes the event that is under way.
func (w *worker) work(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		batch, in := w.line.take(w.inbox.AtOnce(w.subscriber))
		if len(batch) == 0 {
			w.idle(ctx, in)
			continue
		}
		err := w.receive(ctx, batch)
		if err != nil && ctx.Err() == nil && !failing {
			w.log.Warn("events cannot be handled for now", zap.String("subscriber", w.subscriber), zap.Error(err))
		}
		failing = err != nil
	}
}

func (w *worker) idle(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.line.wake:
	case <-timer.C:
	}
}

// receive acknowledges what is in the inbox, and not before. What the database could not take is held, so that nothing of
// its key overtakes it.
func (w *worker) receive(ctx context.Context, batch []*arrival) error {
	events := make([]*event.Envelope, len(batch))
	for i, a := range batch {
		events[i] = a.event
	}
	n, err := w.inbox.Receive(ctx, w.subscriber, events...)
	w.line.punctual(batch[:n])
	if errors.Is(err, outbox.ErrEarly) {
		n, err = w.early(ctx, batch[0])
	}
	for _, a := range batch[:n] {
		a.message.Ack()
	}
	if err != nil {
		w.line.rest(batch[0], again)
	}
	w.line.done(batch, n)
	return err
}

// early waits for what goes before a, and in the end has it sent again, with a itself.
func (w *worker) early(ctx context.Context, a *arrival) (int, error) {
	if w.line.tooEarly(a) {
		return 0, nil
	}
	if err := w.inbox.Resend(context.WithoutCancel(ctx), a.event); err != nil {
		return 0, err
	}
	return 1, nil
}
