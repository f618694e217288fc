package redis

import (
	"errors"
	"regexp"

	"github.com/redis/go-redis/v9"

	"github.com/yourorg/platform/pkg/config"
)

var prefixName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// Config is the "redis" section of the configuration.
type Config struct {
	// URL names the Redis server: redis://user:password@host:6379/0, or rediss:// for TLS. Empty is none. Nothing that
	// is kept there is kept there alone: Redis may lose its memory.
	URL config.URL `mapstructure:"url"`

	// Prefix keeps several platforms on one Redis server apart.
	Prefix string `mapstructure:"prefix"`
}

// DefaultConfig is no Redis.
func DefaultConfig() Config { return Config{Prefix: "platform"} }

// Configured tells whether there is a server to use.
func (c Config) Configured() bool { return c.URL != "" }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Configured() {
		if _, err := redis.ParseURL(c.URL.Reveal()); err != nil { // the error may quote the password
			errs = append(errs, config.Invalid("url", "must be like redis://user:password@host:6379/0 or rediss://host:6379"))
		}
	}
	if !prefixName.MatchString(c.Prefix) {
		errs = append(errs, config.Invalid("prefix", "must be up to 40 lower-case letters, digits, - and _"))
	}
	return errors.Join(errs...)
}
