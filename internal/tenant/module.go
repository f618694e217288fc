package tenant

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/module"
)

// Module provides the resolver chain with the header; modules contribute more.
var Module = fx.Module("tenant",
	fx.Provide(func() Header { return Header{} }, provide),
	module.TenantResolvers[Header](),
)

func provide(resolvers module.Resolvers) *Chain { return New(resolvers.All...) }
