package httpserver

import (
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
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
	"github.com/yourorg/platform/pkg/web"
)

// Deps are the parts that a request meets on its way.
type Deps struct {
	Log     *zap.Logger
	Metrics *telemetry.Metrics
	Catalog *catalog.Catalog
	Tokens  auth.Authenticator
	Authz   Access
	Tenants *tenant.Chain
	Tx      tx.Runner
	Health  *health.Registry
	Cookies auth.CookieRules
	Answers *idempotency.Answers
	Limits
	Listeners

	Sites    []module.Site
	Placed   []web.Placed // what modules put into the way of requests
	Settings settings.Reader

	StepUpAge time.Duration // how old an authentication may be for x-step-up; 0 refuses all
}

// Limits are what a request is held against.
type Limits struct {
	Public  *ratelimit.Limiter // of who has not signed in
	Rates   *ratelimit.Tenants
	Quotas  *quota.Quotas
	Terms   Terms
	Denials terms.Denials
}

// Listeners are told of what has become of a request.
type Listeners struct {
	Audit  audit.Recorder
	Errors errorbus.Reporter
	Tracer *tracing.Tracer // nil while tracing is off
	Usage  *usage.Recorder
}

func newLimits(public *ratelimit.Limiter, rates *ratelimit.Tenants, quotas *quota.Quotas, book *terms.Book, denials terms.Denials) Limits {
	return Limits{Public: public, Rates: rates, Quotas: quotas, Terms: book, Denials: denials}
}

func newListeners(trail audit.Recorder, errors errorbus.Reporter, tracer *tracing.Tracer, usage *usage.Recorder) Listeners {
	return Listeners{Audit: trail, Errors: errors, Tracer: tracer, Usage: usage}
}

func (d deps) parts() Deps {
	return Deps{
		Log: d.Log, Metrics: d.Metrics, Catalog: d.Catalog, Tokens: d.Tokens, Authz: d.Authz, Tenants: d.Tenants, Tx: d.Tx, Health: d.Health,
		Cookies: d.Cookies, Answers: d.Answers, Limits: d.Limits, Listeners: d.Told, Sites: d.Sites.All, Placed: d.Placed.All,
		Settings: d.Choices, StepUpAge: d.Auth.StepUpAge,
	}
}
