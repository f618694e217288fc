// Package redisstreams carries messages through Redis Streams, as a Publisher and Subscribers of Watermill. A stream is a
// topic, a consumer group in it is a group of subscribers.
package redisstreams

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/redis"
)

const (
	fieldID       = "id"
	fieldPayload  = "payload"
	fieldMetadata = "metadata"
	askTimeout    = 5 * time.Second
)

// Streams are the topics on a Redis server. What Redis forgets, they forget: the outbox sends it again.
type Streams struct {
	cfg    Config
	client *redis.Client
	log    *zap.Logger

	mu     sync.Mutex
	wakes  map[string]map[chan struct{}]bool // who waits for something new in a stream
	cancel context.CancelFunc
	heard  sync.WaitGroup
	closed sync.Once
}

var _ message.Publisher = (*Streams)(nil)

// New returns streams on a server that may not be there yet. They take the client over.
func New(cfg Config, client *redis.Client, log *zap.Logger) *Streams {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Streams{cfg: cfg, client: client, log: log, wakes: map[string]map[chan struct{}]bool{}, cancel: cancel}
	s.heard.Go(func() { s.hear(ctx) })
	return s
}

// Close ends the connections.
func (s *Streams) Close() (err error) {
	s.closed.Do(func() {
		s.cancel()
		s.heard.Wait()
		err = s.client.Close()
	})
	return err
}

func (s *Streams) stream(topic string) string { return s.cfg.Prefix + topic }

// bell is the channel on which it is told that a stream has something new.
func (s *Streams) bell() string { return s.cfg.Prefix + "new" }

// Publish returns when Redis has taken the messages, all in one flight.
func (s *Streams) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(messages[0].Context(), askTimeout)
	defer cancel()
	_, err := s.client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		for _, m := range messages {
			metadata, err := json.Marshal(m.Metadata)
			if err != nil {
				return err
			}
			p.XAdd(ctx, &goredis.XAddArgs{
				Stream: s.stream(topic), MaxLen: s.cfg.MaxLength, Approx: true,
				Values: []any{fieldID, m.UUID, fieldPayload, []byte(m.Payload), fieldMetadata, metadata},
			})
		}
		p.Publish(ctx, s.bell(), topic)
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

// hear wakes whoever waits for a stream. What is not heard is found by looking.
func (s *Streams) hear(ctx context.Context) {
	bell := s.client.Subscribe(ctx, s.bell())
	defer func() { _ = bell.Close() }()
	rung := bell.Channel(goredis.WithChannelSize(1000), goredis.WithChannelSendTimeout(time.Second))
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-rung:
			if !ok {
				return
			}
			s.wake(m.Payload)
		}
	}
}

func (s *Streams) wake(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.wakes[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// waits returns what is told of new messages in a topic until done is called.
func (s *Streams) waits(topic string) (c chan struct{}, done func()) {
	c = make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wakes[topic] == nil {
		s.wakes[topic] = map[chan struct{}]bool{}
	}
	s.wakes[topic][c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.wakes[topic], c)
	}
}

// decode reads what Publish has written, or somebody else.
func decode(fields map[string]any) *message.Message {
	text := func(name string) string { v, _ := fields[name].(string); return v }
	m := message.NewMessage(text(fieldID), []byte(text(fieldPayload)))
	metadata := map[string]string{}
	if json.NewDecoder(strings.NewReader(text(fieldMetadata))).Decode(&metadata) == nil {
		for k, v := range metadata {
			m.Metadata.Set(k, v)
		}
	}
	return m
}
