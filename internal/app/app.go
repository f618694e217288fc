// Package app composes the platform: the core, the modules, and one root per process.
package app

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/audit"
	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/authz"
	"github.com/yourorg/platform/internal/bus"
	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/debug"
	"github.com/yourorg/platform/internal/denial"
	"github.com/yourorg/platform/internal/errorbus"
	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/housekeeping"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/infra/river"
	"github.com/yourorg/platform/internal/infra/sentry"
	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/notify"
	"github.com/yourorg/platform/internal/outbound"
	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/internal/ratelimit"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/runners"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/internal/seed"
	"github.com/yourorg/platform/internal/settings"
	"github.com/yourorg/platform/internal/system"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/tenant"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/pkg/module"
)

// Core provides everything and starts nothing.
func Core(c *catalog.Catalog) fx.Option {
	opts := []fx.Option{
		fx.Supply(c),
		telemetry.Module, tracing.Module, errorbus.Module, database.Module, secret.Module, ratelimit.Module, changes.Module, notify.Module, outbound.Module,
		auth.Module, authz.Module, tenant.Module, settings.Module,
		audit.Module, health.Module, management.Module, debug.Module, system.Module, httpserver.Module, seed.Module, housekeeping.Module,
		reload.Module, lease.Module, outbox.Module, redis.Module, bus.Module, jobs.Module, river.Module, sentry.Module, idempotency.Module, runners.Module,
		denial.Module, terms.Module, quota.Module, usage.Module,
		module.Config("modules", catalog.DefaultConfig()),
		fx.Provide(features, pooled, examined, running, vocabulary, keys),
	}
	for _, m := range c.Modules() {
		opts = append(opts, fx.Module(m.Name(), m.Init(), named(m.Name())))
	}
	return fx.Options(opts...)
}

// The roots: what each process runs. Only what a root needs is ever built. What is asked for first starts first and stops
// last: requests finish first, which may still make jobs and events, then jobs, which may make events, then the relay,
// then the runners, and then what all of them use.
var (
	Serve   = fx.Invoke(func(*httpserver.Server, outbox.Bound, jobs.Bound) {})
	Work    = fx.Options(run, fx.Invoke(func(*housekeeping.Keeper, *outbox.Relay, *bus.Consumers, *jobs.Runner) {}))
	All     = fx.Options(Work, Serve)
	Migrate = fx.Invoke(func(*database.Migrator) {})
)

// run comes first: what is built before the listener starts before it opens, and stops after it has drained.
var run = fx.Invoke(func(*runners.Host) {})

func named(name string) fx.Option {
	return fx.Decorate(func(log *zap.Logger) *zap.Logger { return log.Named(name) })
}

func features(c *catalog.Catalog) database.Features {
	var sets database.Features
	for _, m := range c.Modules() {
		if files := m.Migrations(); files != nil {
			sets = append(sets, module.MigrationSet{Owner: m.Name(), Files: files})
		}
	}
	return sets
}

// What one core package asks for and another has.
func pooled(d *database.Driver) telemetry.Pooled     { return d }
func vocabulary(c *catalog.Catalog) authz.Catalog    { return c }
func examined(r *health.Registry) telemetry.Examined { return r.Values }
func keys(k *auth.Keys) system.Keys                  { return k }
func running(b *runners.Board) health.Late           { return b.Checks }
