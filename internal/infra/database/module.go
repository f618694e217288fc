package database

import (
	"context"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tx"
)

// Module provides the database, the transaction runner and the migrator.
var Module = fx.Module("database",
	module.LiveConfig("database", DefaultConfig()),
	fx.Provide(provide, provideStatements, provideDialect, provideRunner, provideMigrator, provideMigrated),
	module.HealthChecks[*Driver](),
	telemetry.Collectors[*statements](),
)

// Migrated is asked for by whoever reads tables at its start: its OnStart hook runs after the schema is there.
type Migrated struct{}

// Features are the tables of the feature modules, in dependency order.
type Features []module.MigrationSet

func provide(lc fx.Lifecycle, live *config.Live[Config], log *zap.Logger) (*Driver, error) {
	d, err := Open(live.Get())
	if err != nil {
		return nil, err
	}
	d.log = log.Named("database")
	d.sent.log = d.log
	live.Follow(d.sent.set)
	lc.Append(fx.StartStopHook(d.Connect, d.Close))
	return d, nil
}

func provideDialect(d *Driver, _ Audited, _ Migrated) dialect.Driver { return d }
func provideStatements(d *Driver) *statements                        { return d.sent }
func provideRunner(d *Driver) tx.Runner                              { return d }

func provideMigrator(d *Driver, core module.MigrationSets, features Features) *Migrator {
	return NewMigrator(d, Ordered(core.All, features)...)
}

func provideMigrated(lc fx.Lifecycle, cfg Config, env config.Environment, d *Driver, m *Migrator, log *zap.Logger) Migrated {
	lc.Append(fx.StartHook(func(ctx context.Context) error { return m.ready(ctx, cfg.AutoMigrate, log) }))
	lc.Append(fx.StartHook(func(ctx context.Context) error { return d.Confine(ctx, env) }))
	return Migrated{}
}
