package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/yourorg/platform/pkg/web"
)

// Stop drains: /ready turns unhealthy, new requests are still answered for drain_interval, then the listener closes, those
// who stay for long are told (see web.GoingAway), and the requests in flight may finish. Three quarters of
// shutdown_timeout after it was called, or when ctx ends, what is left is cut off.
func (s *Server) Stop(ctx context.Context) error {
	s.health.SetDraining()
	s.drains.Store(true)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.drainTimeout())
	defer cancel()
	select {
	case <-time.After(s.cfg.DrainInterval):
	case <-ctx.Done():
	}
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
	}
	return nil
}

// announces tells the handlers of requests when the listener has closed. Their contexts descend from that of the
// connection, so it costs a request nothing.
func announces(s *http.Server) {
	away := make(chan struct{})
	s.BaseContext = func(net.Listener) context.Context { return web.WithGoingAway(context.Background(), away) }
	s.RegisterOnShutdown(sync.OnceFunc(func() { close(away) }))
}
