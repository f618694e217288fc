package auth

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/auth/ent"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tx"
)

//go:embed migrations
var migrations embed.FS

// Module provides the keys and the tokens.
var Module = fx.Module("auth",
	module.Config("auth", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "auth", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(newClient, provideKeys, newKeySweeper, provide, provideRules),
	fx.Provide(func(t *Tokens) (auth.Authenticator, auth.Revoker) { return t, t }),
	module.Housekeeping[*keySweeper](),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

type keyDeps struct {
	fx.In
	DB       *ent.Client
	Tx       tx.Runner
	Sealer   *secret.Sealer
	Feed     *changes.Feed
	Trail    audit.Recorder
	Log      *zap.Logger
	Migrated database.Migrated // the table is there when Start runs
}

func provideKeys(lc fx.Lifecycle, cfg Config, d keyDeps) *Keys {
	k := NewKeys(cfg, d.DB, d.Tx, d.Sealer, d.Feed, d.Trail, d.Log.Named("auth"))
	lc.Append(fx.StartStopHook(k.Start, k.Stop))
	return k
}

func provideRules(cfg Config) (auth.SessionRules, auth.LockoutRules) {
	return cfg.SessionRules, cfg.Lockout
}

func provide(lc fx.Lifecycle, cfg Config, keys *Keys, sessions auth.Sessions, feed *changes.Feed) (*Tokens, error) {
	t, err := New(cfg, keys, sessions, feed)
	lc.Append(fx.StopHook(t.Close))
	return t, err
}
