package idempotency

import (
	"embed"

	"go.uber.org/fx"

	_ "github.com/yourorg/platform/internal/idempotency/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/secret"
)

//go:embed migrations
var migrations embed.FS

// Module provides the answers to requests with an Idempotency-Key.
var Module = fx.Module("idempotency",
	module.Config("idempotency", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "idempotency", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(provide),
	module.Housekeeping[*Answers](), module.TenantErasers[*Answers](), module.ErasesMembers[*Answers](),
)

func provide(cfg Config, db *database.Driver, sealer secret.Sealer) *Answers {
	return New(cfg, db, sealer)
}
