package identity

import (
	"embed"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/identity/internal/api"
	_ "github.com/yourorg/platform/modules/identity/internal/ent/runtime" // installs the tenant hooks of the schema
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

// Module wires identity into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "identity" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return module.Sub(migrations, "migrations") }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Config("identity", DefaultConfig()),
		module.Config("bootstrap", DefaultBootstrapConfig()),
		fx.Provide(newClient, newUsers, newTenants, newSessions, provideSessions, newPasswords, newFounder),
		fx.Provide(newIdentity, newHandler, newBootstrap, newSweeper),
		module.Routes(contract, api.Mount),
		module.Seeds[*bootstrap](),
		module.Housekeeping[*sweeper](),
	)
}

func provideSessions(s *sessions) auth.Sessions { return s }
