package changes

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the feed.
var Module = fx.Module("changes",
	module.Config("changes", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "changes", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(newClient, provide),
	module.Housekeeping[*Feed](),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

func provide(lc fx.Lifecycle, cfg Config, db *ent.Client, log *zap.Logger, _ database.Migrated) *Feed {
	f := New(cfg, db, log)
	lc.Append(fx.StartStopHook(f.Start, f.Stop))
	return f
}
