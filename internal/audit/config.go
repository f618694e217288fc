package audit

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "audit" section of the configuration.
type Config struct {
	// Retention is how long events are kept; 0 keeps them for ever. A signed anchor takes the place of what is removed.
	Retention time.Duration `mapstructure:"retention"`
	// SealInterval is how long a committed event may stay outside of its tenant's hash chain.
	SealInterval time.Duration `mapstructure:"seal_interval"`
}

// DefaultConfig keeps everything, and seals twice a second.
func DefaultConfig() Config { return Config{SealInterval: 500 * time.Millisecond} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Retention != 0 && c.Retention < 24*time.Hour {
		errs = append(errs, config.Invalid("retention", "must be 0 or at least 24h"))
	}
	if c.SealInterval < 10*time.Millisecond || c.SealInterval > time.Second {
		errs = append(errs, config.Invalid("seal_interval", "must be between 10ms and 1s"))
	}
	return errors.Join(errs...)
}
