package changes

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "changes" section of the configuration.
type Config struct {
	// PollInterval is how often a replica asks what the others have changed.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// StaleAfter is the age of the last answer from which a replica no longer trusts what it has cached.
	StaleAfter time.Duration `mapstructure:"stale_after"`
	// PollTimeout is how long one answer may take.
	PollTimeout time.Duration `mapstructure:"poll_timeout"`
	// Overlap is how far back every poll reads again. No transaction that announces a change may take longer.
	Overlap time.Duration `mapstructure:"overlap"`
	// Retention is how long changes are kept.
	Retention time.Duration `mapstructure:"retention"`
}

// DefaultConfig reaches every replica within a second.
func DefaultConfig() Config {
	return Config{
		PollInterval: 250 * time.Millisecond,
		StaleAfter:   time.Second,
		PollTimeout:  5 * time.Second,
		Overlap:      time.Minute,
		Retention:    10 * time.Minute,
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.PollInterval < 10*time.Millisecond {
		errs = append(errs, config.Invalid("poll_interval", "must be at least 10ms"))
	}
	if c.StaleAfter < 2*c.PollInterval {
		errs = append(errs, config.Invalid("stale_after", "must be at least twice poll_interval"))
	}
	if c.PollTimeout <= 0 {
		errs = append(errs, config.Invalid("poll_timeout", "must be positive"))
	}
	if c.Overlap < c.StaleAfter {
		errs = append(errs, config.Invalid("overlap", "must be at least stale_after"))
	}
	if c.Retention < 4*c.Overlap {
		errs = append(errs, config.Invalid("retention", "must be at least four times overlap"))
	}
	return errors.Join(errs...)
}
