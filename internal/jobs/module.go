package jobs

import (
	"embed"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/jobs/carrier"
	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the enqueuer, the runner and the inspector.
var Module = fx.Module("jobs",
	module.Config("jobs", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "jobs", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(func() *Kinds { return &Kinds{} }, bind, provideSignal, provideCarrier, provide, provideScheduler, provideRunner, NewMetrics),
	fx.Provide(
		func(j *Jobs) job.Enqueuer { return j }, func(j *Jobs) *Cleaner { return &Cleaner{j} },
		func(j *Jobs, s *Scheduler) job.Inspector { return &Inspector{j, s} },
	),
	telemetry.Collectors[*Jobs](), module.HealthChecks[*Jobs](), module.Housekeeping[*Cleaner](), module.TenantErasers[*Cleaner](),
)

func provideSignal(lc fx.Lifecycle, d *database.Driver, log *zap.Logger, _ database.Migrated) *Signal {
	s := NewSignal(d, log.Named("jobs"))
	lc.Append(fx.StartStopHook(s.Start, s.Stop))
	return s
}

func provideCarrier(lc fx.Lifecycle, cfg Config, d *database.Driver, r redis.Config, log *zap.Logger) (carrier.Carrier, error) {
	c, err := newCarrier(cfg, d, r, log.Named("jobs"))
	if err == nil {
		lc.Append(fx.StopHook(c.Close))
	}
	return c, err
}

// provide asks for the audit trail, whose records of a transaction are written before its jobs.
func provide(cfg Config, d *database.Driver, k *Kinds, c carrier.Carrier, s *Signal, m *Metrics, tracer *tracing.Tracer, log *zap.Logger, _ database.Audited) *Jobs {
	return New(cfg, d, k, c, s, m, tracer, log.Named("jobs"))
}

func provideRunner(lc fx.Lifecycle, j *Jobs, leases *lease.Leases, s *Scheduler, errors errorbus.Reporter, features entitlement.Checker, _ Bound) *Runner {
	r := NewRunner(j, leases, s, errors, features)
	lc.Append(fx.StartStopHook(r.Start, r.Stop))
	return r
}
