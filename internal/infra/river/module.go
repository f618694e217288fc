package river

import (
	"embed"

	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides River's tables. Whoever carries jobs through River starts it.
var Module = fx.Module("river", module.Tables(module.MigrationSet{Owner: "river", Files: module.Sub(migrations, "migrations")}))
