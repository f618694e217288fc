// Package management is the operator's listener beside the public one: metrics and health, where the public cannot reach.
package management

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/telemetry"
)

const (
	maxHeader = 64 << 10 // bytes
	maxBody   = 64 << 10 // bytes
	farewell  = time.Second
)

// Config is what the "http" section says about this listener. The timeouts are those of the public one.
type Config struct {
	Addr                                                  string // as host:port
	ReadTimeout, HeaderTimeout, WriteTimeout, IdleTimeout time.Duration
}

// Server answers the operator.
type Server struct {
	cfg    Config
	log    *zap.Logger
	http   *http.Server
	addr   atomic.Pointer[net.TCPAddr]
	failed func(error) // told when the listener dies by itself

	sockets *activation.Sockets
}

// Pages adds what is not for everybody who reaches the listener: it has to see to that itself.
type Pages func(*http.ServeMux)

// New returns a server that does not listen yet.
func New(cfg Config, log *zap.Logger, metrics *telemetry.Metrics, registry *health.Registry, more Pages) *Server {
	pages := http.NewServeMux()
	more(pages)
	pages.Handle("/metrics", reading(metrics.Handler()))
	pages.Handle("/healthz", reading(http.HandlerFunc(alive)))
	pages.Handle("/ready", reading(ready{registry}))
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { Refuse(w, r, errNothing) })
	return &Server{
		cfg: cfg, log: log, failed: func(error) {},
		http: &http.Server{
			Handler: identified(pages), ReadTimeout: cfg.ReadTimeout, ReadHeaderTimeout: cfg.HeaderTimeout, WriteTimeout: cfg.WriteTimeout,
			IdleTimeout: cfg.IdleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(log),
		},
	}
}

// ServeHTTP lets tests call the server without a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }

// Start listens, so that a taken port fails the start, and serves in the background.
func (s *Server) Start(ctx context.Context) error {
	ln, err := s.sockets.Listen(ctx, s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("http.management_addr: %w", err)
	}
	s.addr.Store(ln.Addr().(*net.TCPAddr))
	go func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.failed(fmt.Errorf("serve: %w", err))
		}
	}()
	s.log.Info("listening", zap.String("url", s.URL()))
	return nil
}

// URL is where the server can be reached from this machine, once it has started.
func (s *Server) URL() string {
	addr := s.addr.Load()
	switch {
	case addr == nil:
		return ""
	case addr.IP.IsUnspecified():
		return fmt.Sprintf("http://localhost:%d", addr.Port)
	}
	return "http://" + addr.String()
}

// Stop lets the requests in flight finish, within a second.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil { // a profile may take longer, and nobody needs its end
		return s.http.Close()
	}
	return nil
}
