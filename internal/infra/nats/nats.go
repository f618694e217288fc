// Package nats carries messages through NATS JetStream, as a Publisher and Subscribers of Watermill.
package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
)

const (
	headerID       = "Platform-Message-Id"
	headerMetadata = "Platform-Meta-"
	askTimeout     = 5 * time.Second
)

// Server is a NATS server, or a cluster. It connects in the background, and again whenever the connection is lost.
type Server struct {
	cfg  Config
	conn *nats.Conn
	js   jetstream.JetStream
	log  *zap.Logger

	mu   sync.Mutex
	made bool // whether the stream is known to be there
}

var _ message.Publisher = (*Server)(nil)

// New returns a server that may not be there yet.
func New(cfg Config, log *zap.Logger) (*Server, error) {
	conn, err := nats.Connect(cfg.URL.Reveal(), nats.Name("platform"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(500*time.Millisecond), nats.ReconnectBufSize(-1), // what is not sent is kept by the outbox
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS is away", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS is there again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Debug("NATS reports an error", zap.Error(err))
		}))
	if err != nil {
		return nil, errors.New("nats.url cannot be used") // the error may quote the password
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(askTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &Server{cfg: cfg, conn: conn, js: js, log: log}, nil
}

// Close ends the connection.
func (s *Server) Close() error {
	s.conn.Close()
	return nil
}

func (s *Server) prefix() string { return strings.ToLower(s.cfg.Stream) + "." }

// stream makes the stream, once.
func (s *Server) stream(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made {
		return nil
	}
	_, err := s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: s.cfg.Stream, Subjects: []string{s.prefix() + ">"}, Storage: jetstream.FileStorage, Replicas: s.cfg.Replicas,
		MaxAge: s.cfg.MaxAge,
	})
	if err != nil {
		return fmt.Errorf("make the stream %s: %w", s.cfg.Stream, err)
	}
	s.made = true
	return nil
}

// Publish returns when the stream has kept the messages, all in one flight. They carry no id for the server to recognize a
// repetition by: what is sent again on purpose, because it was lost behind the stream, must come again.
func (s *Server) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(messages[0].Context(), askTimeout)
	defer cancel()
	if err := s.stream(ctx); err != nil {
		return err
	}
	kept := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		var err error
		if kept[i], err = s.js.PublishMsgAsync(s.encode(topic, m)); err != nil {
			return s.refused(topic, err)
		}
	}
	for _, one := range kept {
		select {
		case <-one.Ok():
		case err := <-one.Err():
			return s.refused(topic, err)
		case <-ctx.Done():
			return s.refused(topic, ctx.Err())
		}
	}
	return nil
}

func (s *Server) encode(topic string, m *message.Message) *nats.Msg {
	out := nats.NewMsg(s.prefix() + topic)
	out.Data = m.Payload
	out.Header.Set(headerID, m.UUID)
	for key, value := range m.Metadata {
		out.Header[headerMetadata+key] = []string{value}
	}
	return out
}

// refused tells why the stream has not kept a message.
func (s *Server) refused(topic string, err error) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return event.Permanent(fmt.Errorf("publish to %s: %w", topic, err))
	case errors.Is(err, jetstream.ErrNoStreamResponse): // it has lost its memory
		s.mu.Lock()
		s.made = false
		s.mu.Unlock()
	}
	return fmt.Errorf("publish to %s: %w", topic, err)
}
