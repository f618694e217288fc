package outbound

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// Module provides the clients.
var Module = fx.Module("outbound",
	module.Config("outbound", DefaultConfig()),
	fx.Provide(New, provide),
)

func provide(lc fx.Lifecycle, o *Outbound) web.Outbound {
	lc.Append(fx.StopHook(o.Close))
	return o
}
