package database

import (
	"context"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tx"
)

// Module provides the database, the transaction runner and the migrator.
var Module = fx.Module("database",
	module.Config("database", DefaultConfig()),
	fx.Provide(provide, provideDialect, provideRunner, provideMigrator, provideMigrated),
	module.HealthChecks[*Driver](),
)

// Migrated is asked for by whoever reads tables at its start: its OnStart hook runs after the schema is there.
type Migrated struct{}

// Features are the tables of the feature modules, in dependency order.
type Features []module.MigrationSet

func provide(lc fx.Lifecycle, cfg Config, log *zap.Logger) (*Driver, error) {
	d, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	d.log = log.Named("database")
	lc.Append(fx.Hook{OnStart: d.Connect, OnStop: func(context.Context) error { return d.Close() }})
	return d, nil
}

func provideDialect(d *Driver, _ Audited, _ Migrated) dialect.Driver { return d }
func provideRunner(d *Driver) tx.Runner                              { return d }

func provideMigrator(d *Driver, core module.MigrationSets, features Features) *Migrator {
	return NewMigrator(d, Ordered(core.All, features)...)
}

func provideMigrated(lc fx.Lifecycle, cfg Config, env config.Environment, d *Driver, m *Migrator, log *zap.Logger) Migrated {
	lc.Append(fx.StartHook(func(ctx context.Context) error { return m.ready(ctx, cfg.AutoMigrate, log) }))
	lc.Append(fx.StartHook(func(ctx context.Context) error { return d.Confine(ctx, env) }))
	return Migrated{}
}
