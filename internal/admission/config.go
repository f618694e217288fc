package admission

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "http.concurrency" section of the configuration.
type Config struct {
	// Limit is how many requests a replica works on at once. A sixteenth of it, and at least one, comes on top for the
	// operator's own requests, which never wait behind those of tenants. Health endpoints and /metrics do not count.
	Limit int `mapstructure:"limit" reload:"true"`
	// Queue is how many more requests wait for their turn. Beyond that the answer is 503 at once.
	Queue int `mapstructure:"queue" reload:"true"`
	// QueueTimeout is how long a request waits for its turn; past it the answer is 503.
	QueueTimeout time.Duration `mapstructure:"queue_timeout"`
	// Adaptive lowers the limit while requests take longer than they usually do, to a sixteenth at the least, and raises it
	// again afterwards. It is for replicas whose requests are alike; long streams among them would look like slowness.
	Adaptive bool `mapstructure:"adaptive"`
}

// DefaultConfig is for a replica of a few cores whose requests wait for a database most of the time.
func DefaultConfig() Config {
	return Config{Limit: 256, Queue: 512, QueueTimeout: 250 * time.Millisecond}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Limit < 1 || c.Limit > 1_000_000 {
		errs = append(errs, config.Invalid("limit", "must be between 1 and 1000000"))
	}
	if c.Queue < 0 || c.Queue > 1_000_000 {
		errs = append(errs, config.Invalid("queue", "must be between 0 and 1000000"))
	}
	if c.QueueTimeout <= 0 {
		errs = append(errs, config.Invalid("queue_timeout", "must be positive"))
	}
	return errors.Join(errs...)
}

// Reserved is the operator's share, with as much of a queue for each place as everybody else has.
func (c Config) Reserved() Config {
	own := max(c.Limit/16, 1)
	return Config{Limit: own, Queue: own * c.Queue / c.Limit, QueueTimeout: c.QueueTimeout}
}
