package ratelimit

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/terms"
)

// Where limits are counted, and what happens while Redis does not.
const (
	storeAuto     = "auto"
	storeMemory   = "memory"
	storeRedis    = "redis"
	onErrorMemory = "memory"
	onErrorAllow  = "allow"
	onErrorDeny   = "deny"
)

// Config is the "ratelimit" section of the configuration.
type Config struct {
	// PublicPerMinute is how many requests a minute one address may send to each operation that needs no sign-in.
	// Beyond that the answer is 429. IPv6 addresses count by their network of 64 bits.
	PublicPerMinute int `mapstructure:"public_per_minute" reload:"true"`
	// Tenant is how fast the signed-in callers of a tenant may send requests, all together, unless its plan or the operator
	// says otherwise.
	Tenant TenantRate `mapstructure:"tenant"`
	// Key is how fast each API key of a tenant may send requests, unless its plan or the operator says otherwise. They count
	// for the tenant as well.
	Key KeyRate `mapstructure:"key"`
	// MaxKeys bounds how many addresses a replica remembers, and how many tenants and API keys; beyond that it forgets those
	// that have been quiet for the longest.
	MaxKeys int `mapstructure:"max_keys" reload:"true"`
	// Store is where limits are counted: redis, where all replicas share them; memory, where each replica has them for
	// itself; or auto, which is redis where redis.url is set.
	Store string `mapstructure:"store"`
	// Timeout is how long Redis may take to count. Then it is held to be away, until it counts again.
	Timeout time.Duration `mapstructure:"timeout"`
	// OnError is what happens to requests of signed-in callers while Redis is away: memory, each replica has the limits for
	// itself; allow, nobody is limited; or deny, all are answered with 503. Other limits are counted in memory then.
	OnError string `mapstructure:"on_error" reload:"true"`
}

// TenantRate is how fast a tenant may send requests.
type TenantRate struct {
	// PerSecond is how many requests a second a tenant may send in the long run.
	PerSecond int `mapstructure:"per_second" reload:"true"`
	// Burst is how many requests a tenant may send at once after a rest.
	Burst int `mapstructure:"burst" reload:"true"`
}

func (r TenantRate) rate() terms.Rate { return terms.Rate{PerSecond: r.PerSecond, Burst: r.Burst} }

// KeyRate is how fast an API key may send requests.
type KeyRate struct {
	// PerSecond is how many requests a second one API key may send in the long run. 0 means that keys have no limit of their
	// own, beside that of their tenant.
	PerSecond int `mapstructure:"per_second" reload:"true"`
	// Burst is how many requests one API key may send at once after a rest.
	Burst int `mapstructure:"burst" reload:"true"`
}

func (r KeyRate) rate() terms.Rate { return terms.Rate{PerSecond: r.PerSecond, Burst: r.Burst} }

// DefaultConfig has one request a second in the long run for an address, and a thousand for a tenant.
func DefaultConfig() Config {
	return Config{
		PublicPerMinute: 60, Tenant: TenantRate{PerSecond: 1000, Burst: 2000}, MaxKeys: 100_000,
		Store: storeAuto, Timeout: 100 * time.Millisecond, OnError: onErrorMemory,
	}
}

const (
	maxPerSecond = 1_000_000
	maxBurst     = 10_000_000
)

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, config.Invalid(key, format, args...))
		}
	}
	bad(c.PublicPerMinute < 1 || c.PublicPerMinute > 1_000_000_000, "public_per_minute", "must be between 1 and 1000000000")
	bad(c.Tenant.PerSecond < 1 || c.Tenant.PerSecond > maxPerSecond, "tenant.per_second", "must be between 1 and %d", maxPerSecond)
	bad(c.Tenant.Burst < 1 || c.Tenant.Burst > maxBurst, "tenant.burst", "must be between 1 and %d", maxBurst)
	bad(c.Key.PerSecond < 0 || c.Key.PerSecond > maxPerSecond, "key.per_second", "must be between 0 and %d", maxPerSecond)
	least := min(c.Key.PerSecond, 1)
	bad(c.Key.Burst < least || c.Key.Burst > maxBurst, "key.burst", "must be between %d and %d", least, maxBurst)
	bad(c.MaxKeys < 1, "max_keys", "must be at least 1")
	bad(c.Store != storeAuto && c.Store != storeMemory && c.Store != storeRedis, "store", "must be auto, memory or redis")
	bad(c.Timeout < time.Millisecond || c.Timeout > 5*time.Second, "timeout", "must be between 1ms and 5s")
	bad(c.OnError != onErrorMemory && c.OnError != onErrorAllow && c.OnError != onErrorDeny, "on_error", "must be memory, allow or deny")
	return errors.Join(errs...)
}
