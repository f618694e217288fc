package settings

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/settings/ent"
	_ "github.com/yourorg/platform/internal/settings/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tx"
)

//go:embed migrations
var migrations embed.FS

// Module provides the settings that modules contribute.
var Module = fx.Module("settings_registry",
	module.Tables(module.MigrationSet{Owner: "settings", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(newClient, newParts, provide, func(r *Registry) (settings.Registry, settings.Reader) { return r, r }),
	module.TenantErasers[*Registry](), module.ErasesMembers[*Registry](),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

func newParts(
	c *ent.Client, run tx.Runner, feed *changes.Feed, access authz.Authorizer, sealer secret.Sealer, env Environment, log *zap.Logger,
) Parts {
	return Parts{Client: c, Run: run, Feed: feed, Access: access, Sealer: sealer, Environment: env, Log: log.Named("settings")}
}

func provide(p Parts, known *catalog.Catalog, all module.SettingDefinitions, caches *telemetry.Caches) (*Registry, error) {
	r, err := New(p, known, all.All)
	if err == nil {
		r.missed = caches.Of("settings")
	}
	return r, err
}
