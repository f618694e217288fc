package outbox

import (
	"embed"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the publisher, the relay and the inspector.
var Module = fx.Module("outbox",
	module.Config("events", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "outbox", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(provideTopics, bind, provideSignal, provide, provideRelay, NewMetrics),
	fx.Provide(
		func(o *Outbox) event.Publisher { return o }, func(o *Outbox) event.Inspector { return &Inspector{o} },
		func(o *Outbox) *Cleaner { return &Cleaner{o} },
	),
	telemetry.Collectors[*Outbox](),
	module.HealthChecks[*Outbox](),
	module.Housekeeping[*Cleaner](),
	module.TenantErasers[*Cleaner](),
)

// Bound is asked for by every root whose process may publish: the subscribers are known then. They are not known to the
// publisher itself, which subscribers may ask for.
type Bound struct{}

func provideTopics(d module.EventDeclarations) (*Topics, error) { return NewTopics(d.All) }

func bind(t *Topics, s module.EventSubscribers) (Bound, error) { return Bound{}, t.Bind(s.All) }

func provideSignal(lc fx.Lifecycle, d *database.Driver, log *zap.Logger, _ database.Migrated) *Signal {
	s := NewSignal(d, log.Named("events"))
	lc.Append(fx.StartStopHook(s.Start, s.Stop))
	return s
}

// provide asks for the audit trail, whose records of a transaction are written before its events.
func provide(cfg Config, d *database.Driver, t *Topics, s *Signal, m *Metrics, errors errorbus.Reporter, tracer *tracing.Tracer, log *zap.Logger, _ database.Audited) *Outbox {
	return New(cfg, d, t, s, m, errors, tracer, log.Named("events"))
}

func provideRelay(lc fx.Lifecycle, o *Outbox, b Broker, leases *lease.Leases, _ Bound) *Relay {
	r := NewRelay(o, b, leases)
	lc.Append(fx.StartStopHook(r.Start, r.Stop))
	return r
}
