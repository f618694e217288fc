package usage

import (
	_ "embed"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/usage/internal/api"
	"github.com/yourorg/platform/pkg/module"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
)

// Module wires the route of the usage into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "usage" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return nil }

func (Module) Init() fx.Option {
	return fx.Options(
		fx.Provide(newHandler),
		module.Routes(contract, api.Mount),
	)
}
