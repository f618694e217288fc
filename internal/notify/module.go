package notify

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
)

// Module provides the sender.
var Module = fx.Module("notify",
	module.Config("notify", DefaultConfig()),
	fx.Provide(provide, func(o *Outbox) notify.Sender { return o }),
)

func provide(lc fx.Lifecycle, cfg Config, env config.Environment, log *zap.Logger) *Outbox {
	o := New(cfg, env, log.Named("notify"))
	lc.Append(fx.StartStopHook(o.Start, o.Stop))
	return o
}
