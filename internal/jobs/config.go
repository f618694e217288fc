package jobs

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/config"
)

// The engines that bring jobs to the workers.
const (
	Auto     = "auto"
	Database = "database"
	Redis    = "redis"
)

var queueName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// Config is the "jobs" section of the configuration.
type Config struct {
	// Engine brings the jobs to the workers: "database" is River on the platform's own database, "redis" is asynq. "auto"
	// is "redis" when redis.url is set, and "database" otherwise. Jobs are kept in the database either way.
	Engine string `mapstructure:"engine"`
	// Queues lists the queues, and how many jobs of each a replica does at once.
	Queues map[string]int `mapstructure:"queues"`
	// MaxBytes is the largest job that is accepted, as JSON.
	MaxBytes int `mapstructure:"max_bytes"`
	// MaxAttempts is how often a job is tried before it has failed, unless its kind or whoever asks says otherwise.
	MaxAttempts int `mapstructure:"max_attempts"`
	// RetryAfter is the pause after the first failure. It doubles with each further one.
	RetryAfter time.Duration `mapstructure:"retry_after"`
	// RetryAtMost is the longest pause.
	RetryAtMost time.Duration `mapstructure:"retry_at_most"`
	// Timeout is how long one attempt may take, unless its kind or whoever asks says otherwise.
	Timeout time.Duration `mapstructure:"timeout"`
	// StopTimeout is how long jobs may go on when the process stops, as far as http.shutdown_timeout allows. After it they
	// are given back.
	StopTimeout time.Duration `mapstructure:"stop_timeout"`
	// Retention is how long a job is kept after it is done, with its result and error.
	Retention time.Duration `mapstructure:"retention"`
	// PollInterval is how often a replica looks for work that it was not told of.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// LostAfter is how long a replica may be silent before its jobs are given to others.
	LostAfter time.Duration `mapstructure:"lost_after"`
	// Lease is how long the others wait for a killed replica that looked after due and lost jobs and the schedules.
	Lease time.Duration `mapstructure:"lease"`
	// LagWarning is the age of the oldest job that is due from which the health is degraded.
	LagWarning time.Duration `mapstructure:"lag_warning"`
	// Fairness has the tenants take turns: the engine gets only as many jobs at once as will soon be begun.
	Fairness bool `mapstructure:"fairness"`
	// TenantConcurrency is how many jobs of one tenant run at once over all replicas; 0 is without limit.
	TenantConcurrency int `mapstructure:"tenant_concurrency"`
	// TenantWeights gives tenants, by their id, more turns than the one that the others have.
	TenantWeights map[string]int `mapstructure:"tenant_weights"`
	// TenantRate is how many jobs of one tenant are begun in a second over all replicas; 0 is without limit.
	TenantRate int `mapstructure:"tenant_rate"`
}

// DefaultConfig needs nothing beside the database.
func DefaultConfig() Config {
	return Config{
		Engine:       Auto,
		Queues:       map[string]int{"default": 10},
		MaxBytes:     1 << 20,
		MaxAttempts:  10,
		RetryAfter:   time.Second,
		RetryAtMost:  time.Hour,
		Timeout:      5 * time.Minute,
		StopTimeout:  20 * time.Second,
		Retention:    24 * time.Hour,
		PollInterval: 500 * time.Millisecond,
		LostAfter:    8 * time.Second,
		Lease:        4 * time.Second,
		LagWarning:   5 * time.Minute,
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	wrong := func(bad bool, key, why string) {
		if bad {
			errs = append(errs, config.Invalid(key, "%s", why))
		}
	}
	wrong(c.Engine != Auto && c.Engine != Database && c.Engine != Redis, "engine", "must be auto, database or redis")
	wrong(c.Queues["default"] < 1, "queues", "must have the queue default")
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		wrong(!queueName.MatchString(name), "queues", "must have names of lower-case letters, digits and _: "+name)
		wrong(c.Queues[name] < 1 || c.Queues[name] > 1000, "queues", "must be between 1 and 1000 each: "+name)
	}
	wrong(c.MaxBytes < 1024 || c.MaxBytes > 16<<20, "max_bytes", "must be between 1024 and 16777216")
	wrong(c.MaxAttempts < 1 || c.MaxAttempts > maxAttempts, "max_attempts", "must be between 1 and 1000")
	wrong(c.RetryAfter < time.Millisecond, "retry_after", "must be at least 1ms")
	wrong(c.RetryAtMost < c.RetryAfter, "retry_at_most", "must be at least retry_after")
	wrong(c.Timeout < time.Millisecond, "timeout", "must be at least 1ms")
	wrong(c.StopTimeout < 0, "stop_timeout", "must not be negative")
	wrong(c.Retention < 0, "retention", "must not be negative")
	wrong(c.PollInterval < 10*time.Millisecond || c.PollInterval > 5*time.Second, "poll_interval", "must be between 10ms and 5s")
	wrong(c.LostAfter < 4*watchInterval, "lost_after", "must be at least 2s")
	wrong(c.Lease < time.Second, "lease", "must be at least 1s")
	wrong(c.LagWarning <= 0, "lag_warning", "must be positive")
	for _, id := range slices.Sorted(maps.Keys(c.TenantWeights)) {
		_, err := uuid.Parse(id)
		wrong(err != nil || c.TenantWeights[id] < 1 || c.TenantWeights[id] > 100, "tenant_weights", "must be ids of tenants with a weight between 1 and 100: "+id)
	}
	wrong(c.TenantConcurrency < 0, "tenant_concurrency", "must not be negative")
	wrong(c.TenantRate < 0, "tenant_rate", "must not be negative")
	return errors.Join(errs...)
}

// windowed tells whether the engine gets only what will soon be begun, chosen among the tenants.
func (c Config) windowed() bool { return c.Fairness || c.TenantConcurrency > 0 || c.TenantRate > 0 }
