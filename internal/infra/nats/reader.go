package nats

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// drainTimeout is how long a server may take to end a subscription, before it is left to notice by itself.
const drainTimeout = time.Second

// reader receives for as long as the lease is held.
type reader struct {
	*Group
	topic    string
	consumer jetstream.Consumer
	out      chan<- *message.Message
	held     sync.WaitGroup // those that are under way

	mu   sync.Mutex
	left []jetstream.Msg // what was not acknowledged when the subscription ended
}

// read hands messages over until ctx ends, and gives back what is left then, in the order of the stream.
func (r *reader) read(ctx context.Context, messages jetstream.MessagesContext) error {
	within, end := context.WithCancel(ctx)
	defer end()
	var interrupted error
	for within.Err() == nil {
		in, err := messages.Next(jetstream.NextContext(within))
		switch {
		case err != nil:
			interrupted = err
			end()
		case !r.hand(within, in):
			r.leave(in)
		}
	}
	messages.Drain()
	for {
		in, err := messages.Next(jetstream.NextMaxWait(drainTimeout))
		if err != nil {
			break
		}
		r.leave(in)
	}
	r.held.Wait()
	r.giveBack(ctx)
	return interrupted
}

// giveBack has what is left delivered again. Servers of the age of 2.9 skip the first one, until nats.ack_wait is over, where
// they find a request that nobody waits for any more; asking about the consumer makes them forget those.
func (r *reader) giveBack(ctx context.Context) {
	if len(r.left) == 0 {
		return
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	_, err := r.consumer.Info(ask)
	r.note(err)
	slices.SortFunc(r.left, func(a, b jetstream.Msg) int { return cmp.Compare(place(a), place(b)) })
	for _, in := range r.left {
		r.note(in.Nak())
	}
}

// place is where a message is in the stream.
func place(in jetstream.Msg) uint64 {
	m, err := in.Metadata()
	if err != nil {
		return 0
	}
	return m.Sequence.Stream
}

func (r *reader) leave(in jetstream.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = append(r.left, in)
}

// hand hands one message over. It returns false when the subscription ends before.
func (r *reader) hand(ctx context.Context, in jetstream.Msg) bool {
	within, cancel := context.WithCancel(ctx)
	m := message.NewMessage(in.Headers().Get(headerID), in.Data())
	for key, values := range in.Headers() {
		if name, ours := strings.CutPrefix(key, headerMetadata); ours && len(values) > 0 {
			m.Metadata.Set(name, values[0])
		}
	}
	m.SetContext(within)
	select {
	case <-ctx.Done():
		cancel()
		return false
	case r.out <- m:
	}
	r.held.Go(func() {
		defer cancel()
		r.await(ctx, in, m)
	})
	return true
}

// await waits for the acknowledgement of a message, and lets the server know that it is being worked on until then.
func (r *reader) await(ctx context.Context, in jetstream.Msg, m *message.Message) {
	busy := time.NewTicker(r.cfg.AckWait / 3)
	defer busy.Stop()
	for {
		select {
		case <-m.Acked():
			r.acknowledge(ctx, in)
			return
		case <-m.Nacked():
			r.note(in.Nak())
			return
		case <-busy.C:
			r.note(in.InProgress())
			continue
		case <-ctx.Done():
		}
		select {
		case <-m.Acked():
			r.acknowledge(ctx, in)
		default:
			r.leave(in)
		}
		return
	}
}

// acknowledge ends a message for the group. One whose end the server does not hear of comes again.
func (r *reader) acknowledge(ctx context.Context, in jetstream.Msg) {
	confirm, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	r.note(in.DoubleAck(confirm))
}

func (r *reader) note(err error) {
	if err != nil {
		r.log.Debug("the server cannot be told about a message", zap.String("group", r.name), zap.Error(err))
	}
}
