package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/web"
)

// latecomers is how long the requests of connections that were accepted last have to arrive: net/http drops those that it
// reads after its Shutdown has begun. Nobody has sent them elsewhere where the next process has the same socket.
const latecomers = 250 * time.Millisecond

// Stop drains: /ready turns unhealthy, new requests are still answered for drain_interval, then the listener closes, those
// who stay for long are told (see web.GoingAway), and the requests in flight may finish. Three quarters of
// shutdown_timeout after it was called, or when ctx ends, what is left is cut off.
func (s *Server) Stop(ctx context.Context) error {
	defer s.fronts.close()
	s.health.SetDraining()
	s.drains.Store(true)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.drainTimeout())
	defer cancel()
	rest(ctx, s.cfg.DrainInterval)
	if s.listener != nil {
		if err := s.listener.Close(); err != nil {
			s.log.Warn("the listener was not closed", zap.Error(err))
		}
		rest(ctx, min(latecomers, s.cfg.DrainInterval))
	}
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
	}
	return nil
}

// door is a listener that may be closed again: Shutdown does, and would fail.
type door struct {
	net.Listener
	close func() error
}

func newDoor(ln net.Listener) door { return door{ln, sync.OnceValue(ln.Close)} }

func (d door) Close() error { return d.close() }

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// announces tells the handlers of requests when the listener has closed. Their contexts descend from that of the
// connection, so it costs a request nothing.
func announces(s *http.Server) {
	away := make(chan struct{})
	s.BaseContext = func(net.Listener) context.Context { return web.WithGoingAway(context.Background(), away) }
	s.RegisterOnShutdown(sync.OnceFunc(func() { close(away) }))
}
