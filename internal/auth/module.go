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
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tx"
)

//go:embed migrations
var migrations embed.FS

// Module provides the keys and the tokens.
var Module = fx.Module("auth",
	module.Config("auth", DefaultConfig()), module.Tables(module.MigrationSet{Owner: "auth", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(func(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }, provideKeys, newKeySweeper, provideMachines, provide),
	fx.Provide(func(c Config) (auth.SessionRules, auth.LockoutRules, auth.CookieRules) {
		return c.SessionRules, c.Lockout, c.Cookie
	}),
	module.Housekeeping[*keySweeper](),
)

func provideKeys(
	lc fx.Lifecycle, cfg Config, db *ent.Client, run tx.Runner, s *secret.Sealer, f *changes.Feed, t audit.Recorder, log *zap.Logger,
	_ database.Migrated, // the table is there when Start runs
) *Keys {
	k := NewKeys(cfg, db, run, s, f, t, log.Named("auth"))
	lc.Append(fx.StartStopHook(k.Start, k.Stop))
	return k
}

type machineDeps struct {
	fx.In
	Keys auth.Keys `optional:"true"` // a module that can be switched off keeps them
}

func provideMachines(lc fx.Lifecycle, cfg Config, d machineDeps, p auth.Principals, f *changes.Feed, l ratelimit.Limiter, t audit.Recorder, caches *telemetry.Caches, log *zap.Logger) (*Machines, error) {
	m, err := NewMachines(cfg.CacheSize, MachineDeps{d.Keys, p, f, l, t, caches.Of("keys"), log.Named("auth")})
	lc.Append(fx.StopHook(m.Close))
	return m, err
}

func provide(lc fx.Lifecycle, cfg Config, keys *Keys, s auth.Sessions, feed *changes.Feed, m *Machines, caches *telemetry.Caches) (*Tokens, auth.Authenticator, auth.Revoker, error) {
	t, err := New(cfg, keys, s, feed, m)
	t.countMisses(caches.Of("tokens"))
	lc.Append(fx.StopHook(t.Close))
	return t, t, t, err
}
