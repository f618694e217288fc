package idempotency

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "idempotency" section of the configuration.
type Config struct {
	// Retention is how long an answer is kept for whoever sends its Idempotency-Key again. After that the key is free.
	Retention time.Duration `mapstructure:"retention"`
	// MaxAnswerBytes is the largest body that is kept. A request with a larger answer has its effect once all the same:
	// who repeats it is told that it has been done, by 409.
	MaxAnswerBytes int `mapstructure:"max_answer_bytes"`
}

// DefaultConfig keeps answers of up to a megabyte for a day.
func DefaultConfig() Config { return Config{Retention: 24 * time.Hour, MaxAnswerBytes: 1 << 20} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Retention < time.Minute || c.Retention > 90*24*time.Hour {
		errs = append(errs, config.Invalid("retention", "must be between 1m and 2160h"))
	}
	if c.MaxAnswerBytes < 0 || c.MaxAnswerBytes > 64<<20 {
		errs = append(errs, config.Invalid("max_answer_bytes", "must be between 0 and 67108864"))
	}
	return errors.Join(errs...)
}
