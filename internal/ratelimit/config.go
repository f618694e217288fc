package ratelimit

import (
	"errors"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "ratelimit" section of the configuration. Limits are counted by each replica for itself.
type Config struct {
	// PublicPerMinute is how many requests a minute one address may send to each operation that needs no sign-in.
	// Beyond that the answer is 429. IPv6 addresses count by their network of 64 bits.
	PublicPerMinute int `mapstructure:"public_per_minute" reload:"true"`
	// MaxKeys bounds how many addresses a replica remembers; beyond that it forgets those that have been quiet for the
	// longest.
	MaxKeys int `mapstructure:"max_keys" reload:"true"`
}

// DefaultConfig has one request a second in the long run.
func DefaultConfig() Config { return Config{PublicPerMinute: 60, MaxKeys: 100_000} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.PublicPerMinute < 1 || c.PublicPerMinute > 1_000_000_000 {
		errs = append(errs, config.Invalid("public_per_minute", "must be between 1 and 1000000000"))
	}
	if c.MaxKeys < 1 {
		errs = append(errs, config.Invalid("max_keys", "must be at least 1"))
	}
	return errors.Join(errs...)
}
