package apikeys

import (
	"embed"
	"io/fs"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/apikeys/internal/api"
	"github.com/yourorg/platform/modules/apikeys/internal/ent"
	_ "github.com/yourorg/platform/modules/apikeys/internal/ent/runtime" // installs the hooks of the schema
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
	//go:embed migrations
	migrations embed.FS
)

// Module wires the API keys into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "apikeys" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return module.Sub(migrations, "migrations") }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Config("apikeys", DefaultConfig()),
		fx.Provide(newClient, newStore, provideKeys, newAPIKeys, newIssuer, newSweeper, newHandler),
		module.Routes(contract, api.Mount),
		module.TenantErasers[*store](),
		module.Housekeeping[*sweeper](),
	)
}

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }

func provideKeys(lc fx.Lifecycle, s *store) auth.Keys {
	lc.Append(fx.StartStopHook(s.uses.start, s.uses.stop))
	return s
}
