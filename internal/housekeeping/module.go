package housekeeping

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
)

// Module provides the keeper; it works when a root asks for it.
var Module = fx.Module("housekeeping", module.Config("housekeeping", DefaultConfig()), fx.Provide(provide))

func provide(lc fx.Lifecycle, cfg Config, log *zap.Logger, keepers module.Housekeepers, _ database.Migrated) (*Keeper, error) {
	k, err := New(cfg, log.Named("housekeeping"), keepers.All...)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(k.Start, k.Stop))
	return k, nil
}
