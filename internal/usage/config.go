package usage

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "usage" section of the configuration.
type Config struct {
	// Enabled counts the requests of each tenant. What has been counted can be read either way.
	Enabled bool `mapstructure:"enabled"`
	// FlushInterval is how often a replica writes what it has counted, give or take a fifth. A process that is killed loses
	// what it has counted since.
	FlushInterval time.Duration `mapstructure:"flush_interval"`
	// MaxTenants is how many tenants a replica counts between two writes. From half of them on it writes at once; requests of
	// tenants for which there is no room all the same are only counted by a metric.
	MaxTenants int `mapstructure:"max_tenants"`
	// KeepHours is how long hours are kept until they are rolled up into days.
	KeepHours time.Duration `mapstructure:"keep_hours"`
	// KeepDays is how long days are kept.
	KeepDays time.Duration `mapstructure:"keep_days"`
}

const day = 24 * time.Hour

// DefaultConfig keeps hours for five weeks and days for two years.
func DefaultConfig() Config {
	return Config{Enabled: true, FlushInterval: 10 * time.Second, MaxTenants: 50_000, KeepHours: 35 * day, KeepDays: 730 * day}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.FlushInterval < time.Second || c.FlushInterval > 10*time.Minute {
		errs = append(errs, config.Invalid("flush_interval", "must be between 1s and 10m"))
	}
	if c.MaxTenants < 100 || c.MaxTenants > 1_000_000 {
		errs = append(errs, config.Invalid("max_tenants", "must be between 100 and 1000000"))
	}
	if c.KeepHours < 2*day || c.KeepHours > 90*day {
		errs = append(errs, config.Invalid("keep_hours", "must be between 48h and 2160h"))
	}
	if c.KeepDays < c.KeepHours || c.KeepDays > 3650*day {
		errs = append(errs, config.Invalid("keep_days", "must be at least keep_hours, and at most 87600h"))
	}
	return errors.Join(errs...)
}
