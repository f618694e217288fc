package auth

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/auth/ent"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/secret"
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
	fx.Provide(newClient, provideKeys, provide, func(t *Tokens) (auth.Authenticator, auth.Revoker) { return t, t }),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

func provideKeys(lc fx.Lifecycle, cfg Config, db *ent.Client, run tx.Runner, s *secret.Sealer, _ database.Migrated) *Keys {
	k := NewKeys(cfg, db, run, s)
	lc.Append(fx.StartHook(k.Start))
	return k
}

func provide(lc fx.Lifecycle, cfg Config, keys *Keys, sessions auth.Sessions, feed *changes.Feed) (*Tokens, error) {
	t, err := New(cfg, keys, sessions, feed)
	lc.Append(fx.StopHook(t.Close))
	return t, err
}
