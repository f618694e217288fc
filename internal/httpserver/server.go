// Package httpserver serves the contracts of every module, and nothing that is in no contract.
package httpserver

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/abuse"
	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/admission"
	"github.com/yourorg/platform/internal/compression"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/cors"
	"github.com/yourorg/platform/internal/forwarded"
	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/internal/ratelimit"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/tenant"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tx"
)

// Seeded is provided by whoever puts in place what must exist before the first request.
type Seeded struct{}

// Server answers HTTP.
type Server struct {
	cfg     Config
	log     *zap.Logger
	traffic *traffic
	tokens  auth.Authenticator
	authz   Access
	tenants *tenant.Chain
	audit   audit.Recorder
	tx      tx.Runner
	health  *health.Registry
	limits  *ratelimit.Limiter
	cookies *cookies
	errors  errorbus.Reporter
	answers *idempotency.Answers
	tracer  *tracing.Tracer
	usage   *usage.Recorder
	terms   Terms
	rates   *ratelimit.Tenants
	quotas  *quota.Quotas
	denials terms.Denials
	pledges pledges
	busiest *telemetry.Busiest // nil when no tenant is counted by itself

	settings settings.Reader
	recent   time.Duration // the age from which an authentication is no longer enough for x-step-up

	proxies *forwarded.Proxies
	guard   *abuse.Guard // nil when it is off
	tally   abuse.Tally
	gates   admission.Gates
	cors    atomic.Pointer[cors.Policy] // nil when there is none
	sampled atomic.Pointer[AccessLog]

	placed      placed
	compression atomic.Pointer[compression.Config]
	encoders    *compression.Encoders
	fronts      *fronts

	engine *gin.Engine
	ops    []*mounted
	http   *http.Server
	addr   atomic.Pointer[net.TCPAddr]
	drains atomic.Bool // Stop has begun
	failed func(error) // told when the listener dies by itself

	sockets  *activation.Sockets
	listener net.Listener
}

// New mounts every contract. A fault in any of them is an error that names it.
func New(cfg Config, d Deps, apis ...module.API) (*Server, error) {
	sources, ops, err := routes(d.Catalog, apis)
	if err != nil {
		return nil, fmt.Errorf("contracts: %w", err)
	}
	way, err := place(d.Catalog, d.Placed, ops)
	if err != nil {
		return nil, fmt.Errorf("contracts: %w", err)
	}
	bundle, err := bundle(sources)
	if err != nil {
		return nil, fmt.Errorf("contracts: %w", err)
	}
	t, err := newTraffic(d.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	jar, err := newCookies(d.Cookies)
	if err != nil {
		return nil, fmt.Errorf("auth.cookie.trusted_origins: %w", err)
	}
	proxies, err := forwarded.New(cfg.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("http.trusted_proxies: %w", err)
	}
	s := &Server{
		cfg: cfg, log: d.Log.Named("http"), traffic: t, tokens: d.Tokens, authz: d.Authz, tenants: d.Tenants,
		audit: d.Audit, tx: d.Tx, health: d.Health, limits: d.Public, cookies: jar, errors: d.Errors, answers: d.Answers, settings: d.Settings, recent: d.StepUpAge,
		proxies: proxies, tracer: d.Tracer, usage: d.Usage, terms: d.Terms, rates: d.Rates, quotas: d.Quotas, denials: d.Denials, busiest: d.Metrics.Busiest,
		gates: admission.Gates{
			everyonesGate: admission.New(cfg.Concurrency), operatorsGate: admission.New(cfg.Concurrency.Reserved()),
		},
		placed: way, engine: newEngine(), encoders: compression.New(), ops: ops, failed: func(error) {},
	}
	if cfg.AbuseGuard.Enabled {
		s.guard = abuse.New(cfg.AbuseGuard)
	}
	s.cors.Store(cors.New(cfg.CORS))
	s.sampled.Store(&cfg.AccessLog)
	s.compression.Store(&cfg.Compression)
	if s.fronts, err = newFronts(cfg.Static, d.Catalog, d.Sites); err != nil {
		return nil, fmt.Errorf("front ends: %w", err)
	}
	s.engine.NoRoute(append(s.front(nil), s.elsewhere)...)
	s.engine.NoMethod(append(s.front(nil), func(c *gin.Context) { s.fail(c, errMethod) })...)
	s.docs(bundle)
	if cfg.ManagementAddr == "" {
		s.measured(d.Metrics.Handler())
	}
	if err := s.mount(apis, ops); err != nil {
		return nil, fmt.Errorf("contracts: %w", err)
	}
	if err := d.Metrics.Register(s.gates); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.http = &http.Server{
		Handler: s, ReadTimeout: cfg.ReadTimeout, ReadHeaderTimeout: cfg.HeaderTimeout, WriteTimeout: cfg.WriteTimeout,
		IdleTimeout: cfg.IdleTimeout, MaxHeaderBytes: cfg.MaxHeaderBytes, ErrorLog: zap.NewStdLog(s.log),
	}
	announces(s.http)
	s.speak(s.http)
	if cfg.TLS.On() {
		shown, err := newCertificate(cfg.TLS, s.log)
		if err != nil {
			return nil, err
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: shown.get}
	}
	return s, nil
}

// front is what every request passes, in this order, before anybody asks who sends it. handle adds what an operation's
// contract asks for. op is nil where no contract says anything.
func (s *Server) front(op *mounted) []gin.HandlerFunc {
	return []gin.HandlerFunc{
		s.recovered,    // a panic anywhere below is a 500
		s.called(op),   // which operation it is about
		s.identified,   // request id, trace id, the client's address
		s.observed,     // log and metrics
		s.secured,      // headers of every answer
		s.guarded(op),  // 429 for an address that asks too fast
		s.admitted(op), // a place to work on it, or 503
		s.shared,       // CORS
		s.limited(op),  // the size of its body
		s.timed(op),    // its deadline
	}
}

func newEngine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true // answers 405 with Allow
	e.RedirectTrailingSlash = false // one address for one thing
	e.ContextWithFallback = true    // *gin.Context carries what its request's context does
	_ = e.SetTrustedProxies(nil)    // nobody may forge an address; nil cannot fail
	return e
}

func bundle(sources []contract.Source) ([]byte, error) {
	tree, err := contract.Bundle(contract.Info{
		Title: "GoPlatform", Version: "v1", Description: "The contracts of every enabled module.",
	}, sources...)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

// Start listens, so that a taken port fails the start, and serves in the background.
func (s *Server) Start(ctx context.Context) error {
	ln, err := s.sockets.Listen(ctx, s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("http.addr: %w", err)
	}
	s.addr.Store(ln.Addr().(*net.TCPAddr))
	ln = newDoor(ln)
	s.listener = ln
	serve := s.http.Serve
	if s.cfg.TLS.On() {
		serve = func(ln net.Listener) error { return s.http.ServeTLS(ln, "", "") }
	}
	go func() {
		if err := serve(s.bounded(ln)); !errors.Is(err, http.ErrServerClosed) && !s.drains.Load() {
			s.log.Error("the listener died", zap.Error(err))
			s.failed(fmt.Errorf("serve: %w", err))
		}
	}()
	return nil
}

// URL is where the server can be reached from this machine, once it has started.
func (s *Server) URL() string {
	addr := s.addr.Load()
	if addr == nil {
		return ""
	}
	scheme := "http"
	if s.cfg.TLS.On() {
		scheme = "https"
	}
	if addr.IP.IsUnspecified() {
		return fmt.Sprintf("%s://localhost:%d", scheme, addr.Port)
	}
	return scheme + "://" + addr.String()
}
