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
)

const (
	consumer = "platform"  // the one consumer of every group: whoever holds the lease acts for it
	look     = time.Second // how often a stream is looked at that nobody has told of
	afterNak = 100 * time.Millisecond
)

// next takes the lease of a group, or renews it, and reads up to so many messages: those behind an id that are not
// acknowledged, or new ones. Groups that are gone are made again. It returns whether another replica holds the lease (0),
// this one does (1), or has just got it (2), and what it has read: who has just got it reads first what is not
// acknowledged, which another one was killed with.
var next = goredis.NewScript(`
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local from, count = ARGV[5], tonumber(ARGV[6])
local state = 1
if not holder then state, from = 2, '0' end
if count < 1 then return {state} end
local function read()
  return redis.pcall('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', count, 'STREAMS', KEYS[1], from)
end
local got = read()
if type(got) == 'table' and got.err then
  if not string.find(got.err, 'NOGROUP', 1, true) then return got end
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[3], '0', 'MKSTREAM')
  got = read()
  if type(got) == 'table' and got.err then return got end
end
local all = {state}
for _, m in ipairs(got and got[1] and got[1][2] or {}) do
  all[#all + 1] = m[1]
  all[#all + 1] = m[2] or {}
  if not m[2] then redis.call('XACK', KEYS[1], ARGV[3], m[1]) end -- it was cut off
end
return all`)

// keep renews the lease while a message is being handled, and giveUp ends it.
var (
	keep   = goredis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`)
	giveUp = goredis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
)

// Group receives for one group. One replica at a time does so for each topic, which keeps the order: see the lease.
type Group struct {
	*Streams
	name    string
	atOnce  int
	closing chan struct{}
	once    sync.Once
	open    sync.WaitGroup
}

var _ message.Subscriber = (*Group)(nil)

// Group returns what receives for a group: see the bus.
func (s *Streams) Group(name string, atOnce int) (message.Subscriber, error) {
	return &Group{Streams: s, name: name, atOnce: atOnce, closing: make(chan struct{})}, nil
}

// Close ends all subscriptions of the group.
func (g *Group) Close() error {
	g.once.Do(func() { close(g.closing) })
	g.open.Wait()
	return nil
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
	out := make(chan *message.Message)
	r := &reader{
		Group: g, topic: topic, stream: g.stream(topic), me: uuid.NewString(), out: out,
		held: map[string]bool{}, freed: make(chan struct{}, 1), from: oldest,
	}
	r.lease = r.stream + ":" + g.name + ":lease"
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
		r.read(receiving)
	})
	return out, nil
}
