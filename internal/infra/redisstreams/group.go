package redisstreams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	consumer = "platform"  // the one consumer of every group: whoever holds the lease acts for it
	look     = time.Second // how often a stream is looked at that nobody has told of
	afterNak = 100 * time.Millisecond
)

// next takes the lease of a group, or renews it, and reads the oldest message that is not acknowledged: one that a
// replica was killed with, before any new one. Groups that are gone are made again. It returns 0 when another replica
// holds the lease, 1 when there is nothing.
var next = goredis.NewScript(`
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local function read(from)
  local got = redis.pcall('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', 1, 'STREAMS', KEYS[1], from)
  if type(got) == 'table' and got.err then
    if not string.find(got.err, 'NOGROUP', 1, true) then return got end
    redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[3], '0', 'MKSTREAM')
    got = redis.call('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', 1, 'STREAMS', KEYS[1], from)
  end
  return got and got[1] and got[1][2][1]
end
while true do
  local m = read('0')
  if not m then break end
  if m.err then return m end
  if m[2] then return {2, m[1], m[2]} end
  redis.call('XACK', KEYS[1], ARGV[3], m[1]) -- it was cut off
end
local m = read('>')
if not m then return {1} end
if m.err then return m end
return {2, m[1], m[2]}`)

// keep renews the lease while a message is being handled, and giveUp ends it.
var (
	keep   = goredis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`)
	giveUp = goredis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
)

// Group receives for one group. One replica at a time does so for each topic, one message after the other, which keeps
// the order: see the lease.
type Group struct {
	*Streams
	name    string
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (s *Streams) Group(name string) (message.Subscriber, error) {
	return &Group{Streams: s, name: name, closing: make(chan struct{})}, nil
}

// Close ends all subscriptions of the group.
func (g *Group) Close() error {
	g.once.Do(func() { close(g.closing) })
	g.open.Wait()
	return nil
}

// reader is one subscription.
type reader struct {
	*Group
	topic, stream, lease, me string
}

// Subscribe receives what the topic holds and this group has not acknowledged.
func (g *Group) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	select {
	case <-g.closing:
		return nil, errors.New("the group is closed")
	default:
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := g.client.XGroupCreateMkStream(ask, g.stream(topic), g.name, "0").Err()
	if err != nil && !goredis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil, fmt.Errorf("receive %s for %s: %w", topic, g.name, err)
	}
	r := &reader{Group: g, topic: topic, stream: g.stream(topic), me: uuid.NewString()}
	r.lease = r.stream + ":" + g.name + ":lease"
	out := make(chan *message.Message)
	receiving, end := context.WithCancel(ctx)
	g.open.Go(func() {
		defer end()
		select {
		case <-g.closing:
		case <-receiving.Done():
		}
	})
	g.open.Go(func() {
		defer close(out)
		defer end()
		r.read(receiving, out)
	})
	return out, nil
}

// read hands over one message after the other until ctx ends.
func (r *reader) read(ctx context.Context, out chan<- *message.Message) {
	woken, done := r.waits(r.topic)
	defer done()
	defer r.release(ctx)
	failing := false
	for ctx.Err() == nil {
		id, m, err := r.next(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			failing = true
			r.log.Warn("receiving is interrupted", zap.String("topic", r.topic), zap.String("group", r.name), zap.Error(err))
		case err == nil && failing:
			failing = false
			r.log.Info("receiving goes on", zap.String("topic", r.topic), zap.String("group", r.name))
		}
		if m != nil {
			r.deliver(ctx, id, m, out)
			continue
		}
		timer := time.NewTimer(min(look, r.cfg.Lease/3))
		select {
		case <-ctx.Done():
		case <-woken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next returns the next message and its id in the stream. It is nil when there is none for this replica.
func (r *reader) next(ctx context.Context) (string, *message.Message, error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := next.Run(ask, r.client, []string{r.stream, r.lease}, r.me, r.cfg.Lease.Milliseconds(), r.name, consumer).Slice()
	if err != nil {
		return "", nil, err
	}
	if len(answer) < 3 {
		return "", nil, nil
	}
	id, _ := answer[1].(string)
	pairs, _ := answer[2].([]any)
	fields := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		fields[name] = pairs[i+1]
	}
	return id, decode(fields), nil
}

// deliver hands one message over until it is acknowledged.
func (r *reader) deliver(ctx context.Context, id string, m *message.Message, out chan<- *message.Message) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	renewed := time.NewTicker(r.cfg.Lease / 3)
	defer renewed.Stop()
	for {
		m.SetContext(within)
		sent := out
		for handed := false; !handed; {
			select {
			case <-ctx.Done():
				return
			case <-renewed.C:
				r.renew(ctx)
			case sent <- m:
				handed = true
			}
		}
		acked, naked := m.Acked(), m.Nacked()
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-renewed.C:
				r.renew(ctx)
			case <-acked:
				r.acknowledge(ctx, id)
				return
			case <-naked:
				waiting = false
			}
		}
		m = m.Copy()
		pause := time.NewTimer(afterNak)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// acknowledge ends a message for the group. One whose end Redis does not hear of comes again.
func (r *reader) acknowledge(ctx context.Context, id string) {
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	if err := r.client.XAck(ask, r.stream, r.name, id).Err(); err != nil {
		r.log.Debug("a message could not be acknowledged", zap.String("group", r.name), zap.Error(err))
	}
}

func (r *reader) renew(ctx context.Context) {
	ask, cancel := context.WithTimeout(ctx, r.cfg.Lease/3)
	defer cancel()
	if err := keep.Run(ask, r.client, []string{r.lease}, r.me, r.cfg.Lease.Milliseconds()).Err(); err != nil {
		r.log.Debug("a lease could not be renewed", zap.String("group", r.name), zap.Error(err))
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
