package notify

import (
	"embed"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	_ "github.com/yourorg/platform/internal/notify/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/web"
)

var (
	//go:embed migrations
	migrations embed.FS
	//go:embed templates
	own embed.FS
)

// Module provides the notifier, and what is known of notifications.
var Module = fx.Module("notify",
	module.Config("notify", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "notify", Files: module.Sub(migrations, "migrations")}),
	module.Templates("notify", module.Sub(own, "templates")),
	fx.Provide(provideTemplates, provideChannels, provide),
	fx.Provide(
		func(n *Notifications) (notify.Notifier, notify.Inspector, notify.Preferring, notify.Catalog) {
			return n, n, n, n
		},
		func(n *Notifications) (notify.Messages, *Worker, *Sweeper) { return &Inbox{n}, &Worker{n}, &Sweeper{n} },
	),
	module.Workers[*Worker](),
	module.Housekeeping[*Sweeper](),
	module.TenantErasers[*Sweeper](), module.ErasesMembers[*Sweeper](),
)

func provideTemplates(sets module.TemplateSets) (*Templates, error) { return NewTemplates(sets.All) }

func provideChannels(lc fx.Lifecycle, cfg Config, env config.Environment, out web.Outbound, r settings.Reader, more module.Channels, log *zap.Logger) (*Channels, error) {
	c, err := NewChannels(cfg, env, out, r, more.All, log.Named("notify"))
	if err == nil {
		lc.Append(fx.StartHook(c.files.start))
	}
	return c, err
}

func provide(
	cfg Config, all config.Provider, d *database.Driver, t *Templates, c *Channels, people notify.Directory, r settings.Reader, s secret.Sealer,
	jobs job.Enqueuer, log *zap.Logger, _ database.Migrated, _ database.Audited,
) *Notifications {
	return New(Needs{cfg, d, t, c, people, r, s, jobs, siteOf(cfg, all), log.Named("notify")})
}
