package usage

import (
	"embed"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/telemetry"
	_ "github.com/yourorg/platform/internal/usage/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/usage"
)

//go:embed migrations
var migrations embed.FS

// Module provides the usage of every tenant.
var Module = fx.Module("usage",
	module.Config("usage", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "usage", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(provide, func(r *Recorder) usage.Reader { return r }),
	telemetry.Collectors[*Recorder](),
	module.Housekeeping[*Recorder](), module.TenantErasers[*Recorder](),
)

func provide(lc fx.Lifecycle, cfg Config, db *database.Driver, tenants tenant.Profiles, log *zap.Logger) *Recorder {
	r := New(cfg, db, tenants, log.Named("usage"))
	lc.Append(fx.StartStopHook(r.Start, r.Stop))
	return r
}
