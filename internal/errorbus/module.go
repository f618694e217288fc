package errorbus

import (
	"cmp"
	"slices"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the bus.
var Module = fx.Module("errorbus", fx.Provide(NewMetrics, provide), telemetry.Collectors[*Metrics]())

func provide(lc fx.Lifecycle, log *zap.Logger, m *Metrics, sinks module.ErrorSinks) errorbus.Reporter {
	slices.SortFunc(sinks.All, func(a, b errorbus.Sink) int { return cmp.Compare(a.Name(), b.Name()) })
	b := New(log, m, sinks.All...)
	lc.Append(fx.StartStopHook(b.Start, b.Stop))
	return b
}
