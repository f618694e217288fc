package quota

import (
	"embed"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/denial"
	"github.com/yourorg/platform/internal/infra/database"
	_ "github.com/yourorg/platform/internal/quota/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

//go:embed migrations
var migrations embed.FS

// Module provides the quotas.
var Module = fx.Module("quota",
	module.Config("quota", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "quota", Files: module.Sub(migrations, "migrations")}),
	module.Events(event.Declare[quota.Reached]()),
	fx.Provide(provide, func(q *Quotas) quota.Quotas { return q }),
	telemetry.Collectors[*Quotas](), module.Housekeeping[*Quotas](), module.TenantErasers[*Quotas](),
)

type deps struct {
	fx.In
	DB      *database.Driver
	Terms   *terms.Book
	Tenants tenant.Profiles
	Events  event.Publisher
	Denials *denial.Recorder
	Used    *usage.Recorder
	Catalog *catalog.Catalog
	Log     *zap.Logger
}

func provide(lc fx.Lifecycle, cfg Config, d deps) *Quotas {
	q := New(cfg, Parts{DB: d.DB, Run: d.DB, Terms: d.Terms, Zones: d.Tenants, Events: d.Events, Denials: d.Denials, Used: d.Used, Catalog: d.Catalog, Log: d.Log})
	lc.Append(fx.StartStopHook(q.Start, q.Stop))
	return q
}
