package reload

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the reloader, and the watcher of its files, which works when a process asks for it.
var Module = fx.Module("reload",
	module.Config("reload", DefaultConfig()),
	fx.Provide(NewMetrics, provide, provideWatcher),
	telemetry.Collectors[*Metrics](),
)

func provide(src Source, m *Metrics, log *zap.Logger, live module.Reloadables) *Reloader {
	return New(src, m, log.Named("config"), live.All...)
}

func provideWatcher(lc fx.Lifecycle, cfg Config, r *Reloader, log *zap.Logger) *Watcher {
	w := NewWatcher(cfg, r, log.Named("config"))
	lc.Append(fx.StartStopHook(w.Start, w.Stop))
	return w
}
