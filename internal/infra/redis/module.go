package redis

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module declares the settings. Whoever uses Redis connects.
var Module = fx.Module("redis", module.Config("redis", DefaultConfig()))
