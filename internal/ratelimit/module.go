package ratelimit

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/ratelimit"
)

// Module provides the limiter.
var Module = fx.Module("ratelimit",
	module.Config("ratelimit", DefaultConfig()),
	fx.Provide(New, func(l *Limiter) ratelimit.Limiter { return l }),
)
