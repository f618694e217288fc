package tracing

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the tracer, which is nil while tracing is off.
var Module = fx.Module("tracing", module.Config("tracing", DefaultConfig()), fx.Provide(NewMetrics, provide), telemetry.Collectors[*Metrics]())

func provide(lc fx.Lifecycle, cfg Config, env config.Environment, m *Metrics, log *zap.Logger) (*Tracer, error) {
	t, err := New(cfg, env, m, log.Named("tracing"))
	if t != nil {
		lc.Append(fx.StopHook(t.Stop))
	}
	return t, err
}
