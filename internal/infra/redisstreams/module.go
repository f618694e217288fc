package redisstreams

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module declares the settings. Whoever carries events by Redis connects.
var Module = fx.Module("redis_streams", module.Config("redis_streams", DefaultConfig()))
