package secret

import (
	"context"

	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/secret"
)

// Module provides the sealer.
var Module = fx.Module("secret",
	module.Config("security", DefaultConfig()),
	fx.Provide(provide, func(s *Sealer) secret.Sealer { return s }),
)

// provide leaves the key to the start: a command that only looks at the graph must neither need a key nor make one.
func provide(lc fx.Lifecycle, cfg Config, env config.Environment) *Sealer {
	s := &Sealer{}
	lc.Append(fx.StartHook(func(context.Context) error { return s.load(cfg, env) }))
	return s
}
