package redisstreams

import (
	"errors"
	"regexp"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

var prefix = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// Config is the "redis_streams" section of the configuration. The server is that of redis.url.
type Config struct {
	// Prefix begins the name of every key.
	Prefix string `mapstructure:"prefix"`
	// MaxLength is how many events a topic keeps, roughly. What is cut off before a subscriber has seen it is sent again.
	MaxLength int64 `mapstructure:"max_length"`
	// Lease is how long the events of a replica that was killed wait for another one.
	Lease time.Duration `mapstructure:"lease"`
}

// DefaultConfig keeps as much as a day of a small company.
func DefaultConfig() Config {
	return Config{Prefix: "platform:events:", MaxLength: 100_000, Lease: 5 * time.Second}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if !prefix.MatchString(c.Prefix) {
		errs = append(errs, config.Invalid("prefix", "must be letters, digits, and . _ : -"))
	}
	if c.MaxLength < 1000 {
		errs = append(errs, config.Invalid("max_length", "must be at least 1000"))
	}
	if c.Lease < time.Second {
		errs = append(errs, config.Invalid("lease", "must be at least 1s"))
	}
	return errors.Join(errs...)
}
