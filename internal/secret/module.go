package secret

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module provides the sealer.
var Module = fx.Module("secret",
	module.Config("security", DefaultConfig()),
	fx.Provide(New),
)
