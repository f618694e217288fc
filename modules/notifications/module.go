package notifications

import (
	_ "embed"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/notifications/internal/api"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
)

// Module wires the notifications of people into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "notifications" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return nil }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Settings(notify.Phone, notify.Devices, notify.WebhookURL, notify.WebhookSecret),
		fx.Provide(newHandler),
		module.Routes(contract, api.Mount),
	)
}
