package httpserver

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/activation"
	internalauth "github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/authz"
	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/debug"
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
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tx"
)

// Module provides the server.
var Module = fx.Module("http",
	module.LiveConfig("http", DefaultConfig()), module.Settings(corsOrigins), fx.Provide(provide, Config.management),
)

type deps struct {
	fx.In
	Log     *zap.Logger
	Metrics *telemetry.Metrics
	Catalog *catalog.Catalog
	Tokens  auth.Authenticator
	Authz   *authz.Authorizer
	Tenants *tenant.Chain
	Audit   audit.Recorder
	Tx      tx.Runner
	Health  *health.Registry
	Limits  *ratelimit.Limiter
	Cookies auth.CookieRules
	Errors  errorbus.Reporter
	Answers *idempotency.Answers
	Tracer  *tracing.Tracer
	Usage   *usage.Recorder
	Terms   *terms.Book
	Rates   *ratelimit.Tenants
	Quotas  *quota.Quotas
	Denials terms.Denials
	Sites   module.Sites
	Choices settings.Reader
	Placed  module.PlacedMiddleware
	Auth    internalauth.Config
	Shown   *debug.Routes
	Sockets *activation.Sockets `optional:"true"`
}

func provide(lc fx.Lifecycle, live *config.Live[Config], d deps, apis module.APIs, _ Seeded, stop fx.Shutdowner) (*Server, error) {
	s, err := New(live.Get(), d.parts(), apis.All...)
	if err != nil {
		return nil, err
	}
	d.Shown.Set(s.Described())
	live.Follow(s.Set)
	s.sockets, s.failed = d.Sockets, func(error) { _ = stop.Shutdown(fx.ExitCode(1)) }
	lc.Append(fx.StartStopHook(s.Start, s.Stop))
	return s, nil
}
