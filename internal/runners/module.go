package runners

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the host, which works when a root asks for it, and the board, which every process has.
var Module = fx.Module("runners", fx.Provide(NewMetrics, NewBoard, provide), telemetry.Collectors[*Metrics]())

func provide(
	lc fx.Lifecycle, log *zap.Logger, m *Metrics, b *Board, errors errorbus.Reporter, declared module.BackgroundRunners, stop fx.Shutdowner,
	_ database.Migrated,
) (*Host, error) {
	h, err := New(log.Named("runners"), m, b, errors, declared.All...)
	if err != nil {
		return nil, err
	}
	h.fatal = func() { _ = stop.Shutdown(fx.ExitCode(1)) }
	lc.Append(fx.StartStopHook(h.Start, h.Stop))
	return h, nil
}
