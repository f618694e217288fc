package apikeys

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "apikeys" section of the configuration.
type Config struct {
	// MaxTTL is how long an API key can last, and does when nobody says otherwise. 0s lets keys last for ever.
	MaxTTL time.Duration `mapstructure:"max_ttl"`
	// MaxPerTenant is how many keys of its own a tenant can have.
	MaxPerTenant int `mapstructure:"max_per_tenant"`
	// MaxPerUser is how many personal keys somebody can have in a tenant.
	MaxPerUser int `mapstructure:"max_per_user"`
}

// DefaultConfig has keys of a year.
func DefaultConfig() Config {
	return Config{MaxTTL: 365 * 24 * time.Hour, MaxPerTenant: 200, MaxPerUser: 50}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.MaxTTL != 0 && c.MaxTTL < time.Minute {
		errs = append(errs, config.Invalid("max_ttl", "must be 0s or at least 1m"))
	}
	if c.MaxPerTenant < 0 {
		errs = append(errs, config.Invalid("max_per_tenant", "must not be negative"))
	}
	if c.MaxPerUser < 0 {
		errs = append(errs, config.Invalid("max_per_user", "must not be negative"))
	}
	return errors.Join(errs...)
}
