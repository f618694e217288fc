package audit

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the audit trail.
var Module = fx.Module("audit_trail",
	module.Config("audit", DefaultConfig()),
	module.Tables(module.MigrationSet{Owner: "audit", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(provideKeys, provideChain, provideLog, provideVerifier, NewExporter, NewRetention, provideAudited),
	fx.Provide(func(l *Log) (audit.Recorder, audit.Trail) { return l, l }, func(e *Exporter) audit.Exporter { return e }),
	module.Housekeeping[*Retention](),
)

// The trail works on the database itself: the driver that everybody else gets waits for it.
func client(d *database.Driver) *ent.Client { return ent.NewClient(ent.Driver(dialect.Driver(d))) }

func provideKeys(d *database.Driver, s *secret.Sealer) *Keys   { return NewKeys(client(d), s) }
func provideVerifier(d *database.Driver, keys *Keys) *Verifier { return NewVerifier(d, keys) }
func provideAudited(d *database.Driver, l *Log) database.Audited {
	d.BeforeCommit(l.CommitChanges)
	return database.Audited{}
}

func provideChain(lc fx.Lifecycle, cfg Config, d *database.Driver, keys *Keys, log *zap.Logger, _ database.Migrated) *Chain {
	c := NewChain(cfg, d, d, keys, log.Named("audit"))
	lc.Append(fx.StartStopHook(c.Start, c.Stop))
	return c
}

// provideLog asks for the chain, because whoever records needs somebody who seals.
func provideLog(d *database.Driver, keys *Keys, _ *Chain) *Log { return New(client(d), keys) }
