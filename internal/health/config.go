package health

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "health" section of the configuration.
type Config struct {
	// Timeout is how long one check may take. One that takes longer counts as unhealthy.
	Timeout time.Duration `mapstructure:"timeout"`
	// Cache is how long a result is used again, so that frequent probes do not load what they examine.
	Cache time.Duration `mapstructure:"cache"`
}

// DefaultConfig suits a probe every few seconds.
func DefaultConfig() Config { return Config{Timeout: 2 * time.Second, Cache: time.Second} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Timeout <= 0 {
		errs = append(errs, config.Invalid("timeout", "must be positive"))
	}
	if c.Cache < 0 {
		errs = append(errs, config.Invalid("cache", "must not be negative"))
	}
	return errors.Join(errs...)
}
