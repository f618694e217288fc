package identity

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "identity" section of the configuration.
type Config struct {
	// Registration lets anybody create a user with a tenant. When off, /api/v1/auth/register answers 403.
	Registration bool `mapstructure:"registration"`
	// RefreshTTL is how long a refresh token, and with it an unused session, stays valid.
	RefreshTTL time.Duration `mapstructure:"refresh_ttl"`

	Password PasswordConfig `mapstructure:"password"`
}

// PasswordConfig says how passwords are hashed (argon2id, RFC 9106) and how many at a time.
type PasswordConfig struct {
	// MemoryKiB is the memory that one hash takes, in KiB.
	MemoryKiB int `mapstructure:"memory_kib"`
	// Iterations is the number of passes over that memory.
	Iterations int `mapstructure:"iterations"`
	// Parallelism is the number of threads of one hash.
	Parallelism int `mapstructure:"parallelism"`
	// Workers is how many hashes run at once; 0 means one for each CPU.
	Workers int `mapstructure:"workers"`
	// Queue is how many more may wait. Beyond that the answer is 503.
	Queue int `mapstructure:"queue"`
	// MinLength is the length of the shortest new password, in characters.
	MinLength int `mapstructure:"min_length"`
}

// DefaultConfig follows OWASP's choice of parameters for argon2id.
func DefaultConfig() Config {
	return Config{
		Registration: true,
		RefreshTTL:   720 * time.Hour,
		Password:     PasswordConfig{MemoryKiB: 19456, Iterations: 2, Parallelism: 1, Queue: 32, MinLength: minPasswordLength},
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	within := func(key string, value, low, high int) {
		if value < low || value > high {
			errs = append(errs, config.Invalid(key, "must be between %d and %d", low, high))
		}
	}
	if c.RefreshTTL < time.Second {
		errs = append(errs, config.Invalid("refresh_ttl", "must be at least 1s"))
	}
	p := c.Password
	within("password.iterations", p.Iterations, 1, maxIterations)
	within("password.parallelism", p.Parallelism, 1, maxParallelism)
	within("password.memory_kib", p.MemoryKiB, 8*max(p.Parallelism, 1), maxMemory)
	within("password.workers", p.Workers, 0, 1024)
	within("password.queue", p.Queue, 0, 100_000)
	within("password.min_length", p.MinLength, minPasswordLength, 128)
	return errors.Join(errs...)
}
