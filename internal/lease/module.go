package lease

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the leases.
var Module = fx.Module("lease",
	module.Tables(module.MigrationSet{Owner: "lease", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(provide),
)

func provide(d dialect.Driver, _ database.Migrated) *Leases { return New(d) }
