package quota

import "github.com/yourorg/platform/pkg/config"

// Config is the "quota" section of the configuration.
type Config struct {
	// OnError says what becomes of the requests of a tenant with a quota on requests when they cannot be counted, because the
	// database does not answer: "deny" answers 503, "allow" serves them uncounted. Other units are refused either way.
	OnError string `mapstructure:"on_error"`
}

// The values of on_error.
const (
	deny  = "deny"
	allow = "allow"
)

// DefaultConfig serves nobody uncounted.
func DefaultConfig() Config { return Config{OnError: deny} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	if c.OnError != deny && c.OnError != allow {
		return config.Invalid("on_error", "must be deny or allow")
	}
	return nil
}
