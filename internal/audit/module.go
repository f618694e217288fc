package audit

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/module"
)

//go:embed migrations
var migrations embed.FS

// Module provides the audit trail.
var Module = fx.Module("audit_trail",
	module.Tables(module.MigrationSet{Owner: "audit", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(newClient, New, provideRecorder, provideTrail),
)

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }
func provideRecorder(l *Log) audit.Recorder  { return l }
func provideTrail(l *Log) audit.Trail        { return l }
