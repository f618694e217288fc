package management

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/telemetry"
)

// Module provides the server. A process has one where http.management_addr says so.
var Module = fx.Module("management", fx.Provide(provide))

type given struct {
	fx.In
	Sockets *activation.Sockets `optional:"true"`
}

func provide(lc fx.Lifecycle, cfg Config, log *zap.Logger, m *telemetry.Metrics, h *health.Registry, more Pages, g given, stop fx.Shutdowner) *Server {
	s := New(cfg, log.Named("management"), m, h, more)
	s.sockets = g.Sockets
	s.failed = func(err error) {
		s.log.Error("the listener died", zap.Error(err))
		_ = stop.Shutdown(fx.ExitCode(1))
	}
	lc.Append(fx.StartStopHook(s.Start, s.Stop))
	return s
}
