package telemetry

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the logger and the metrics.
var Module = fx.Module("telemetry", module.LiveConfig("log", DefaultConfig()), module.Config("metrics", DefaultMetricsConfig()),
	fx.Provide(provideLevel, provideLogger, provideMetrics, NewCaches), Collectors[*Caches]())

func provideLevel(live *config.Live[Config]) (*Level, error) {
	l, err := NewLevel(live.Get())
	live.Follow(func(now Config) { _ = l.Set(now.Level) }) // Validate has accepted it
	return l, err
}

func provideLogger(lc fx.Lifecycle, cfg Config, level *Level, env config.Environment) *zap.Logger {
	log := NewLogger(cfg, level, env)
	lc.Append(fx.Hook{OnStop: func(context.Context) error { _ = log.Sync(); return nil }}) // a terminal cannot be synced
	return log
}

// Pooled is the database, as far as the metrics see it.
type Pooled interface{ Pools() map[string]sql.DBStats }

// Examined tells the state of each health check: 1 healthy, 0.5 degraded, 0 unhealthy.
type Examined func() map[string]float64

type collectorOut struct {
	fx.Out
	Value prometheus.Collector `group:"collectors"`
}

type contributed struct {
	fx.In
	All []prometheus.Collector `group:"collectors"`
}

// Collectors contributes T to the metrics.
func Collectors[T prometheus.Collector]() fx.Option {
	return fx.Provide(func(v T) collectorOut { return collectorOut{Value: v} })
}

func provideMetrics(cfg MetricsConfig, db Pooled, health Examined, more contributed) (*Metrics, error) {
	m := NewMetrics().telling(cfg.TopTenants)
	err := errors.Join(m.Pools(db.Pools), m.Health(health), m.Register(m.Busiest))
	for _, c := range more.All {
		err = errors.Join(err, m.Register(c))
	}
	return m, err
}
