package system

import (
	_ "embed"

	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/system/internal/api"
	"github.com/yourorg/platform/pkg/module"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
)

// Module provides the platform's own routes.
var Module = fx.Module("system", fx.Provide(newHandler), module.Routes(contract, api.Mount))

// Manifest is the module.yaml of the platform itself, whose name is core.
func Manifest() []byte { return manifest }
