package compression

import "github.com/yourorg/platform/pkg/config"

// Config is the "http.compression" section of the configuration.
type Config struct {
	// Enabled sends answers in gzip or zstd to clients that accept them. Never compressed are those that may hold a secret
	// (with cookies, of public operations that change something, of those that ask for a recent authentication), event
	// streams, parts of a file, and what is compressed already.
	Enabled bool `mapstructure:"enabled" reload:"true"`
	// MinBytes is from what size on an answer is compressed. What is smaller fits into a packet or two anyway.
	MinBytes int `mapstructure:"min_bytes" reload:"true"`
}

// DefaultConfig compresses from 1 KiB on.
func DefaultConfig() Config { return Config{Enabled: true, MinBytes: 1 << 10} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	if c.MinBytes < 0 {
		return config.Invalid("min_bytes", "must not be negative")
	}
	return nil
}
