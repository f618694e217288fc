package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

const afterNak = 100 * time.Millisecond

// reader is one subscription.
type reader struct {
	*Group
	topic   string
	out     chan<- *message.Message
	room    chan struct{} // holds one for each message that is under way
	acked   chan struct{} // says that there may be something to commit
	waiting sync.WaitGroup

	mu   sync.Mutex
	read map[int32][]*record // by partition, what is not committed, in order
}

// record is a message that is under way, or waits for one before it that is.
type record struct {
	*kgo.Record
	done bool
}

func newReader(g *Group, topic string, out chan<- *message.Message) *reader {
	return &reader{
		Group: g, topic: topic, out: out, room: make(chan struct{}, g.atOnce), acked: make(chan struct{}, 1), read: map[int32][]*record{},
	}
}

// receive hands messages over until ctx ends, and commits what was acknowledged.
func (r *reader) receive(ctx context.Context, end context.CancelFunc, client *kgo.Client) {
	defer r.commit(ctx, client)
	defer r.waiting.Wait()
	defer end()
	r.waiting.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.acked:
				r.commit(ctx, client)
			}
		}
	})
	for {
		n, ok := r.claim(ctx)
		if !ok {
			return
		}
		fetches := client.PollRecords(ctx, n)
		if err := fetches.Err(); err != nil {
			if ctx.Err() == nil {
				r.log.Warn("receiving is interrupted", zap.String("topic", r.topic), zap.String("group", r.name), zap.Error(err))
				r.forget(r.topic)
			}
			return
		}
		all := r.note(fetches.Records())
		for range n - len(all) {
			<-r.room
		}
		for _, m := range all {
			if !r.hand(ctx, m) {
				return
			}
		}
	}
}

// claim waits until one message more may be under way, and returns how many may.
func (r *reader) claim(ctx context.Context) (n int, ok bool) {
	select {
	case <-ctx.Done():
		return 0, false
	case r.room <- struct{}{}:
	}
	for n = 1; ; n++ {
		select {
		case r.room <- struct{}{}:
		default:
			return n, true
		}
	}
}

// note keeps what is to be committed, in the order of each partition.
func (r *reader) note(records []*kgo.Record) []*record {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*record, len(records))
	for i, in := range records {
		all[i] = &record{Record: in}
		r.read[in.Partition] = append(r.read[in.Partition], all[i])
	}
	return all
}

// commit ends messages for the group: those before which none is under way. Those whose end the cluster does not hear of
// come again.
func (r *reader) commit(ctx context.Context, client *kgo.Client) {
	done := r.finished()
	if len(done) == 0 {
		return
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	if err := client.CommitRecords(ask, done...); err != nil {
		r.log.Debug("messages could not be acknowledged", zap.String("group", r.name), zap.Error(err))
	}
}

// finished takes out the last one of each partition that may be committed.
func (r *reader) finished() (done []*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for partition, all := range r.read {
		n := 0
		for n < len(all) && all[n].done {
			n++
		}
		if n > 0 {
			done = append(done, all[n-1].Record)
			r.read[partition] = all[n:]
		}
	}
	return done
}

// revoked commits before another replica goes on with the partitions.
func (r *reader) revoked(ctx context.Context, client *kgo.Client, gone map[string][]int32) {
	r.commit(ctx, client)
	r.lost(ctx, client, gone)
}

// lost forgets partitions that another replica has: it gets what is under way here, too.
func (r *reader) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, partitions := range gone {
		for _, p := range partitions {
			delete(r.read, p)
		}
	}
}

// hand hands one message over. It returns false when the subscription ends before.
func (r *reader) hand(ctx context.Context, in *record) bool {
	within, cancel := context.WithCancel(ctx)
	m := decode(in.Record)
	m.SetContext(within)
	select {
	case <-ctx.Done():
		cancel()
		return false
	case r.out <- m:
	}
	r.waiting.Go(func() {
		defer cancel()
		r.await(ctx, in, m)
	})
	return true
}

// await waits for the acknowledgement of a message, and hands it over again until then.
func (r *reader) await(ctx context.Context, in *record, m *message.Message) {
	for {
		select {
		case <-m.Acked():
			r.finish(in)
			return
		case <-m.Nacked():
		case <-ctx.Done():
			select {
			case <-m.Acked():
				r.finish(in)
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

func (r *reader) finish(in *record) {
	r.mu.Lock()
	in.done = true
	r.mu.Unlock()
	<-r.room
	select {
	case r.acked <- struct{}{}:
	default:
	}
}
