package outbox

import (
	"context"
	"time"

	"github.com/yourorg/platform/pkg/event"
)

// sendTimeout is how long the broker may take for one batch.
const sendTimeout = 10 * time.Second

// sent hands the events to the broker. What it has taken is done, also when it has refused a later one. An event that
// it can never take is to blame; anything else means that the broker is away.
func (r *Relay) sent(ctx context.Context, items []item) (int, error) {
	if len(items) == 0 {
		return 0, nil
	}
	events := make([]*event.Envelope, len(items))
	for i := range items {
		events[i] = &items[i].event
	}
	within, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	n, err := r.outside.Send(within, events)
	if err == nil {
		r.broker.Store(nil)
		return n, nil
	}
	if event.IsPermanent(err) && n < len(items) {
		if n > 0 {
			return n, nil // the culprit is the first one next time
		}
		return 0, &fault{at: items[0], err: err}
	}
	r.broker.Store(&err)
	return n, err
}
