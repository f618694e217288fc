package tenant

import (
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// Module provides the resolver chain with the header and the host; modules contribute more.
var Module = fx.Module("tenant",
	module.Config("tenant", DefaultConfig()),
	fx.Provide(func() Header { return Header{} }, provideSubdomain, provide, provideAnnouncer),
	module.TenantResolvers[Header](),
	module.TenantResolvers[*Subdomain](),
)

func provide(resolvers module.Resolvers) *Chain { return New(resolvers.All...) }

func provideSubdomain(cfg Config, directory tenant.Directory, feed *changes.Feed) *Subdomain {
	return NewSubdomain(cfg, directory, feed)
}

func provideAnnouncer(feed *changes.Feed) tenant.Announcer { return NewAnnouncements(feed) }
