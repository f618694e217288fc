package kafka

import (
	"errors"
	"net"
	"regexp"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// How a client proves who it is.
const (
	Plain  = "plain"
	SHA256 = "scram-sha-256"
	SHA512 = "scram-sha-512"
)

var prefix = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)

// Config is the "kafka" section of the configuration.
type Config struct {
	// Brokers are some of the cluster's, host:port each; they name the others.
	Brokers []string `mapstructure:"brokers"`
	// TLS encrypts the connections, and holds the brokers against the certificates that the system trusts.
	TLS bool `mapstructure:"tls"`
	// Username signs in by SASL. Empty does not sign in.
	Username string `mapstructure:"username"`
	// Password belongs to Username.
	Password config.Secret `mapstructure:"password"`
	// Mechanism is how Username signs in: "scram-sha-512", "scram-sha-256", or "plain", which wants TLS.
	Mechanism string `mapstructure:"mechanism"`
	// Prefix begins the names of the topics and of the consumer groups.
	Prefix string `mapstructure:"prefix"`
	// Partitions is how many parts a topic has that is made, because it is missing. More replicas than that have nothing
	// to do. 0 is the cluster's own default.
	Partitions int `mapstructure:"partitions"`
	// Replicas is how many brokers keep a topic that is made. 0 is the cluster's own default.
	Replicas int `mapstructure:"replicas"`
	// SessionTimeout is how long the partitions of a replica that was killed wait for another one.
	SessionTimeout time.Duration `mapstructure:"session_timeout"`
}

// DefaultConfig is a broker on this machine.
func DefaultConfig() Config {
	return Config{
		Brokers: []string{"127.0.0.1:9092"}, Mechanism: SHA512, Prefix: "platform.", Partitions: 8, SessionTimeout: 10 * time.Second,
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			errs = append(errs, config.Invalid("brokers", "must be host:port each"))
			break
		}
	}
	if len(c.Brokers) == 0 {
		errs = append(errs, config.Invalid("brokers", "must name at least one"))
	}
	if c.Mechanism != Plain && c.Mechanism != SHA256 && c.Mechanism != SHA512 {
		errs = append(errs, config.Invalid("mechanism", "must be scram-sha-512, scram-sha-256 or plain"))
	}
	if c.Username != "" && c.Mechanism == Plain && !c.TLS {
		errs = append(errs, config.Invalid("mechanism", `"plain" shows the password to the network, and needs tls`))
	}
	if !prefix.MatchString(c.Prefix) {
		errs = append(errs, config.Invalid("prefix", "must be letters, digits, and . _ -"))
	}
	if c.Partitions < 0 || c.Partitions > 1000 {
		errs = append(errs, config.Invalid("partitions", "must be between 0 and 1000"))
	}
	if c.Replicas < 0 || c.Replicas > 9 {
		errs = append(errs, config.Invalid("replicas", "must be between 0 and 9"))
	}
	if c.SessionTimeout < 6*time.Second || c.SessionTimeout > 5*time.Minute {
		errs = append(errs, config.Invalid("session_timeout", "must be between 6s and 5m, which is what brokers accept"))
	}
	return errors.Join(errs...)
}
