package ratelimit

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/ratelimit"
)

// Module provides the limiter.
var Module = fx.Module("ratelimit",
	module.LiveConfig("ratelimit", DefaultConfig()),
	fx.Provide(provide, func(l *Limiter) ratelimit.Limiter { return l }),
)

func provide(live *config.Live[Config]) *Limiter {
	l := New(live.Get())
	live.Follow(l.Set)
	return l
}
