package ratelimit

import (
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/ratelimit"
)

// Module provides the limits.
var Module = fx.Module("ratelimit",
	module.LiveConfig("ratelimit", DefaultConfig()),
	fx.Provide(provideStore, provide, provideTenants, func(l *Limiter, t *Tenants) (ratelimit.Limiter, ratelimit.Defaults) { return l, t }),
	telemetry.Collectors[*Store](), module.HealthChecks[*Store](),
)

func provideStore(lc fx.Lifecycle, live *config.Live[Config], r redis.Config, log *zap.Logger) (*Store, error) {
	s, err := NewStore(live.Get(), r, log.Named("ratelimit"))
	if err == nil {
		lc.Append(fx.StopHook(s.Close))
	}
	return s, err
}

func provide(live *config.Live[Config], s *Store) *Limiter {
	l := limiterOn(s, live.Get())
	live.Follow(l.Set)
	return l
}

func provideTenants(live *config.Live[Config], s *Store) *Tenants {
	t := NewTenants(live.Get(), s)
	live.Follow(t.Set)
	return t
}
