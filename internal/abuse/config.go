package abuse

import (
	"errors"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "http.abuse_guard" section of the configuration.
type Config struct {
	// Enabled refuses clients that ask faster than the rate with 429, before anything else is done for them. Every
	// replica counts for itself, by address, and IPv6 addresses by their network of 64 bits.
	Enabled bool `mapstructure:"enabled"`
	// Rate is how many requests a second one address may send in the long run. Health endpoints do not count.
	Rate int `mapstructure:"rate" reload:"true"`
	// Burst is how many requests one address may send at once after a rest.
	Burst int `mapstructure:"burst" reload:"true"`
}

// DefaultConfig lets through what people and well-behaved programs do.
func DefaultConfig() Config { return Config{Enabled: true, Rate: 100, Burst: 200} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Rate < 1 || c.Rate > 1_000_000 {
		errs = append(errs, config.Invalid("rate", "must be between 1 and 1000000"))
	}
	if c.Burst < 1 || c.Burst > 1_000_000 {
		errs = append(errs, config.Invalid("burst", "must be between 1 and 1000000"))
	}
	return errors.Join(errs...)
}
