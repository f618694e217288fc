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
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/tenant"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tx"
)

// Module provides the server.
var Module = fx.Module("http",
	module.LiveConfig("http", DefaultConfig()), module.Settings(corsOrigins), fx.Provide(provide, newLimits, newListeners, Config.management),
)

type deps struct {
	fx.In
	Log     *zap.Logger
	Metrics *telemetry.Metrics
	Catalog *catalog.Catalog
	Tokens  auth.Authenticator
	Authz   *authz.Authorizer
	Tenants *tenant.Chain
	Tx      tx.Runner
	Health  *health.Registry
	Cookies auth.CookieRules
	Answers *idempotency.Answers
	Limits  Limits
	Told    Listeners
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
