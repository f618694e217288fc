package terms

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/denial"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/terms/ent"
	_ "github.com/yourorg/platform/internal/terms/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
	"github.com/yourorg/platform/pkg/tx"
)

//go:embed migrations
var migrations embed.FS

// Module provides the terms of every tenant.
var Module = fx.Module("terms",
	module.Config("terms", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "terms", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(func(r *denial.Recorder) Denials { return r }),
	fx.Provide(newClient, provide, func(b *Book) (terms.Registry, terms.Reader, entitlement.Checker, policy.Policies) { return b, b, b, b }),
	module.TenantErasers[*Book](),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

func provide(
	lc fx.Lifecycle, cfg Config, c *ent.Client, run tx.Runner, feed *changes.Feed, tenants tenant.Profiles, denials *denial.Recorder, known *catalog.Catalog,
	caches *telemetry.Caches, log *zap.Logger,
) (*Book, error) {
	b, err := New(cfg, Parts{Client: c, Run: run, Feed: feed, Tenants: tenants, Denials: denials, Log: log.Named("terms")}, known)
	if err == nil {
		b.missed = caches.Of("terms")
		lc.Append(fx.StopHook(b.Close))
	}
	return b, err
}
