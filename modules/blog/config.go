package blog

import "github.com/yourorg/platform/pkg/config"

// Config is the "blog" section of the configuration.
type Config struct {
	// MaxContent is the longest content of a post, in characters. The contract limits it to 1,000,000.
	MaxContent int `mapstructure:"max_content"`

	// Digest is when followers get the titles of the day before: a cron expression, in UTC.
	Digest string `mapstructure:"digest"`
}

// DefaultConfig accepts what the contract does.
func DefaultConfig() Config { return Config{MaxContent: 1_000_000, Digest: "0 3 * * *"} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	if c.MaxContent < 1 || c.MaxContent > 1_000_000 {
		return config.Invalid("max_content", "must be between 1 and 1000000")
	}
	if c.Digest == "" {
		return config.Invalid("digest", "is required") // the scheduler checks the rest of it at the start
	}
	return nil
}
