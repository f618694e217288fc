package nats

import (
	"errors"
	"net/url"
	"regexp"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

var streamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Config is the "nats" section of the configuration.
type Config struct {
	// URL names the NATS server, which needs JetStream: nats://user:password@host:4222, or tls://.
	URL config.URL `mapstructure:"url"`
	// Stream is the stream that holds the events, and in lower case the first part of their subjects. It is made when it
	// is missing.
	Stream string `mapstructure:"stream"`
	// Replicas is how many servers of a cluster keep the stream that is made.
	Replicas int `mapstructure:"replicas"`
	// MaxAge is how long the stream that is made keeps events.
	MaxAge time.Duration `mapstructure:"max_age"`
	// AckWait is how long the events of a replica that was killed wait for another one. What is being handled is reported to
	// the server in the meantime, however long it takes.
	AckWait time.Duration `mapstructure:"ack_wait"`
}

// DefaultConfig is a server on this machine.
func DefaultConfig() Config {
	return Config{URL: "nats://127.0.0.1:4222", Stream: "PLATFORM_EVENTS", Replicas: 1, MaxAge: 7 * 24 * time.Hour, AckWait: 15 * time.Second}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.URL.Reveal()); err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
		errs = append(errs, config.Invalid("url", "must be like nats://user:password@host:4222 or tls://host"))
	}
	if !streamName.MatchString(c.Stream) {
		errs = append(errs, config.Invalid("stream", "must be letters, digits, - and _"))
	}
	if c.Replicas < 1 || c.Replicas > 5 {
		errs = append(errs, config.Invalid("replicas", "must be between 1 and 5"))
	}
	if c.MaxAge < time.Hour {
		errs = append(errs, config.Invalid("max_age", "must be at least 1h"))
	}
	if c.AckWait < time.Second {
		errs = append(errs, config.Invalid("ack_wait", "must be at least 1s"))
	}
	return errors.Join(errs...)
}
