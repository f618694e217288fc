package sentry

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// Module puts the sink on the error bus. It sends nothing without a DSN.
var Module = fx.Module("sentry", module.Config("sentry", DefaultConfig()), fx.Provide(provide), module.ReportsTo[*Sink]())

func provide(cfg Config, env config.Environment, out web.Outbound) (*Sink, error) {
	return New(cfg, env, out.Trusted())
}
