package health

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module provides the registry of every check that was contributed.
var Module = fx.Module("health", module.Config("health", DefaultConfig()), fx.Provide(provide))

func provide(cfg Config, checks module.Checks, late Late) (*Registry, error) {
	r, err := New(cfg, checks.All...)
	if err != nil {
		return nil, err
	}
	r.Join(late)
	return r, nil
}
