package outbox

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// The carriers between the outbox and the subscribers.
const (
	Auto      = "auto"
	InProcess = "inprocess"
	NATS      = "nats"
	Redis     = "redis"
	Kafka     = "kafka"
)

// Config is the "events" section of the configuration.
type Config struct {
	// Carrier takes the events to their subscribers: "inprocess" calls them in the workers and needs nothing beside the
	// database, "nats" goes through NATS JetStream, "redis" through Redis Streams at redis.url, "kafka" through Kafka.
	// "auto" is "inprocess".
	Carrier string `mapstructure:"carrier"`
	// MaxPayloadBytes is the largest event that is accepted, as JSON. Brokers have limits of their own, often 1 MiB.
	MaxPayloadBytes int `mapstructure:"max_payload_bytes"`
	// MaxAttempts is how often a handler may fail before the event is parked for the operator.
	MaxAttempts int `mapstructure:"max_attempts"`
	// RetryAfter is the pause after the first failure. It doubles with each further one.
	RetryAfter time.Duration `mapstructure:"retry_after"`
	// RetryAtMost is the longest pause.
	RetryAtMost time.Duration `mapstructure:"retry_at_most"`
	// HandlerTimeout is how long a handler may take for one event.
	HandlerTimeout time.Duration `mapstructure:"handler_timeout"`
	// Workers is how many transactions a replica has open at once for one subscriber; behind a broker, for one subscriber of
	// one topic. Each of them handles several events, one after the other. SQLite has one.
	Workers int `mapstructure:"workers"`
	// Concurrency is how many transactions a replica has open at once for all subscribers.
	Concurrency int `mapstructure:"concurrency"`
	// PollInterval is how often the outbox is looked at when nothing has been announced.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// Lease is how long the other processes on an SQLite file wait for a relay that was killed.
	Lease time.Duration `mapstructure:"lease"`
	// BrokerWindow is how many events of a topic a broker may hold that no subscriber has handled: they stand in one line
	// there, and tenants take turns only on the way into it.
	BrokerWindow int `mapstructure:"broker_window"`
	// Prefetch is how many events of a topic a replica takes from the broker for one subscriber before they are handled.
	// Those of other keys go on while one key has to wait. They are kept in memory.
	Prefetch int `mapstructure:"prefetch"`
	// ResendAfter is after which time an event that a broker has taken, and not every subscriber has handled, is sent
	// once more. The pause grows to four times that.
	ResendAfter time.Duration `mapstructure:"resend_after"`
	// LagWarning is the age of the oldest event that is not handled from which the health is degraded.
	LagWarning time.Duration `mapstructure:"lag_warning"`
	// Retention is how long an event is kept after all have handled it, for a look and a replay.
	Retention time.Duration `mapstructure:"retention"`
	// InboxRetention is how long it is remembered which events came over a broker. No broker may repeat older ones.
	InboxRetention time.Duration `mapstructure:"inbox_retention"`
}

// DefaultConfig needs nothing beside the database.
func DefaultConfig() Config {
	return Config{
		Carrier:         Auto,
		MaxPayloadBytes: 512 << 10,
		MaxAttempts:     10,
		RetryAfter:      time.Second,
		RetryAtMost:     5 * time.Minute,
		HandlerTimeout:  30 * time.Second,
		Workers:         2,
		Concurrency:     8,
		PollInterval:    time.Second,
		Lease:           5 * time.Second,
		BrokerWindow:    200,
		Prefetch:        100,
		ResendAfter:     15 * time.Second,
		LagWarning:      time.Minute,
		Retention:       72 * time.Hour,
		InboxRetention:  14 * 24 * time.Hour,
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
	switch c.Carrier {
	case Auto, InProcess, NATS, Redis, Kafka:
	default:
		wrong(true, "carrier", "must be auto, inprocess, nats, redis or kafka")
	}
	wrong(c.MaxPayloadBytes < 1024 || c.MaxPayloadBytes > 16<<20, "max_payload_bytes", "must be between 1024 and 16777216")
	wrong(c.MaxAttempts < 1, "max_attempts", "must be at least 1")
	wrong(c.RetryAfter < time.Millisecond, "retry_after", "must be at least 1ms")
	wrong(c.RetryAtMost < c.RetryAfter, "retry_at_most", "must be at least retry_after")
	wrong(c.HandlerTimeout < time.Millisecond, "handler_timeout", "must be at least 1ms")
	wrong(c.Workers < 1, "workers", "must be at least 1")
	wrong(c.Concurrency < 1, "concurrency", "must be at least 1")
	wrong(c.PollInterval < 10*time.Millisecond, "poll_interval", "must be at least 10ms")
	wrong(c.Lease < time.Second, "lease", "must be at least 1s")
	wrong(c.BrokerWindow < 1, "broker_window", "must be at least 1")
	wrong(c.Prefetch < 1 || c.Prefetch > 1000, "prefetch", "must be between 1 and 1000")
	wrong(c.ResendAfter < time.Second, "resend_after", "must be at least 1s")
	wrong(c.LagWarning <= 0, "lag_warning", "must be positive")
	wrong(c.Retention < 0, "retention", "must not be negative")
	wrong(c.InboxRetention < 24*time.Hour, "inbox_retention", "must be at least 24h")
	return errors.Join(errs...)
}

// Broker names the carrier when it is one outside the process.
func (c Config) Broker() string {
	if c.Carrier == Auto || c.Carrier == InProcess {
		return ""
	}
	return c.Carrier
}
