package telemetry

import (
	"context"
	"database/sql"
	"errors"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the logger and the metrics.
var Module = fx.Module("telemetry", module.Config("log", DefaultConfig()), fx.Provide(provideLogger, provideMetrics))

func provideLogger(lc fx.Lifecycle, cfg Config, env config.Environment) (*zap.Logger, error) {
	log, err := NewLogger(cfg, env)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{OnStop: func(context.Context) error { _ = log.Sync(); return nil }}) // a terminal cannot be synced
	return log, nil
}

// Pooled is the database, as far as the metrics see it.
type Pooled interface{ Pools() map[string]sql.DBStats }

// Examined tells the state of each health check: 1 healthy, 0.5 degraded, 0 unhealthy.
type Examined func() map[string]float64

func provideMetrics(db Pooled, health Examined) (*Metrics, error) {
	m := NewMetrics()
	return m, errors.Join(m.Pools(db.Pools), m.Health(health))
}
