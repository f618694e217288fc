package redisstreams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"
)

// From where a reader reads.
const (
	oldest = "0" // of those that are not acknowledged
	fresh  = ">"
)

// reader is one subscription.
type reader struct {
	*Group
	topic, stream, lease, me string
	out                      chan<- *message.Message
	from                     string // the place among what is not acknowledged, or fresh
	waiting                  sync.WaitGroup
	freed                    chan struct{}   // says that acked has become more
	held                     map[string]bool // by the id in the stream, what is under way

	mu    sync.Mutex
	acked []string // ids, which Redis has not been told
}

// entry is a message and its id in the stream.
type entry struct {
	id      string
	message *message.Message // nil when it was cut off
}

// read hands messages over until ctx ends.
func (r *reader) read(ctx context.Context) {
	woken, done := r.waits(r.topic)
	defer done()
	defer r.release(ctx)
	defer r.acknowledge(ctx)
	defer r.waiting.Wait()
	renewing, end := context.WithCancel(ctx)
	defer end()
	r.waiting.Go(func() { r.renew(renewing) })
	failing := false
	for ctx.Err() == nil {
		r.acknowledge(ctx)
		entries, err := r.next(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			failing = true
			r.log.Warn("receiving is interrupted", zap.String("topic", r.topic), zap.String("group", r.name), zap.Error(err))
		case err == nil && failing:
			failing = false
			r.log.Info("receiving goes on", zap.String("topic", r.topic), zap.String("group", r.name))
		}
		for _, e := range entries {
			r.hand(ctx, e)
		}
		if len(entries) > 0 {
			continue
		}
		timer := time.NewTimer(min(look, r.cfg.Lease/3))
		select {
		case <-ctx.Done():
		case <-woken:
		case <-r.freed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next returns the next messages, as many as may be under way beside those that are. There are none while another
// replica holds the lease.
func (r *reader) next(ctx context.Context) ([]entry, error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	room, from := r.atOnce-len(r.held), r.from
	answer, err := next.Run(ask, r.client, []string{r.stream, r.lease}, r.me, r.cfg.Lease.Milliseconds(), r.name, consumer, from, room).Slice()
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, errors.New("the script has answered nothing")
	}
	state, _ := answer[0].(int64)
	var entries []entry
	for i := 1; i+1 < len(answer); i += 2 {
		id, _ := answer[i].(string)
		pairs, _ := answer[i+1].([]any)
		entries = append(entries, entry{id, parse(pairs)})
	}
	if state == got {
		from = oldest
	}
	switch {
	case state == taken:
		r.from = oldest
	case from == fresh || room == 0:
		r.from = from
	case len(entries) > 0:
		r.from = entries[len(entries)-1].id
	default: // that was all
		r.from = fresh
		return r.next(ctx)
	}
	return entries, nil
}

// What the script says of the lease.
const (
	taken = 0 // by another replica
	got   = 2 // just now
)

func parse(pairs []any) *message.Message {
	if len(pairs) == 0 {
		return nil
	}
	fields := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		fields[name] = pairs[i+1]
	}
	return decode(fields)
}

// hand hands a message over, unless it is under way here.
func (r *reader) hand(ctx context.Context, e entry) {
	if r.held[e.id] || e.message == nil {
		return
	}
	r.held[e.id] = true
	within, cancel := context.WithCancel(ctx)
	e.message.SetContext(within)
	select {
	case <-ctx.Done():
		cancel()
		return
	case r.out <- e.message:
	}
	r.waiting.Go(func() {
		defer cancel()
		r.await(ctx, e)
	})
}

// await waits for the acknowledgement of a message, and hands it over again until then.
func (r *reader) await(ctx context.Context, e entry) {
	m := e.message
	for {
		select {
		case <-m.Acked():
			r.finish(e.id)
			return
		case <-m.Nacked():
		case <-ctx.Done():
			select {
			case <-m.Acked():
				r.finish(e.id)
			default:
			}
			return
		}
		again := m.Copy()
		again.SetContext(m.Context())
		m = again
		pause := time.NewTimer(afterNak)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		select {
		case <-ctx.Done():
			return
		case r.out <- m:
		}
	}
}

func (r *reader) finish(id string) {
	r.mu.Lock()
	r.acked = append(r.acked, id)
	r.mu.Unlock()
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// acknowledge ends messages for the group. Those whose end Redis does not hear of come again.
func (r *reader) acknowledge(ctx context.Context) {
	r.mu.Lock()
	ids := r.acked
	r.acked = nil
	r.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	if err := r.client.XAck(ask, r.stream, r.name, ids...).Err(); err != nil {
		r.log.Debug("messages could not be acknowledged", zap.String("group", r.name), zap.Error(err))
		r.from = oldest
	}
	for _, id := range ids {
		delete(r.held, id)
	}
}

// renew keeps the lease until ctx ends.
func (r *reader) renew(ctx context.Context) {
	tick := time.NewTicker(r.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, r.cfg.Lease/3)
		err := keep.Run(ask, r.client, []string{r.lease}, r.me, r.cfg.Lease.Milliseconds()).Err()
		cancel()
		if err != nil && ctx.Err() == nil {
			r.log.Debug("a lease could not be renewed", zap.String("group", r.name), zap.Error(err))
		}
	}
}

// release lets another replica go on at once.
func (r *reader) release(ctx context.Context) {
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := giveUp.Run(ask, r.client, []string{r.lease}, r.me).Err(); err == nil {
		_ = r.client.Publish(ask, r.bell(), r.topic).Err()
	}
}
