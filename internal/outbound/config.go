package outbound

import (
	"errors"
	"net/netip"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "outbound" section of the configuration.
type Config struct {
	// AllowedNetworks are networks, such as 10.20.0.0/16, that addresses chosen by tenants may lead to although they are
	// not public. Outside of production, plain http is accepted for a loopback address among them.
	AllowedNetworks []string `mapstructure:"allowed_networks"`
	// Timeout is how long a request to another server may take, its redirects and its answer included.
	Timeout time.Duration `mapstructure:"timeout"`
	// MaxBodyBytes limits the answer of another server.
	MaxBodyBytes int64 `mapstructure:"max_body_bytes"`
}

// DefaultConfig reaches public addresses only.
func DefaultConfig() Config {
	return Config{AllowedNetworks: []string{}, Timeout: 10 * time.Second, MaxBodyBytes: 1 << 20}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if _, err := c.networks(); err != nil {
		errs = append(errs, err)
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute {
		errs = append(errs, config.Invalid("timeout", "must be between 100ms and 1m"))
	}
	if c.MaxBodyBytes < 1024 {
		errs = append(errs, config.Invalid("max_body_bytes", "must be at least 1024"))
	}
	return errors.Join(errs...)
}

func (c Config) networks() (all []netip.Prefix, err error) {
	for _, text := range c.AllowedNetworks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, config.Invalid("allowed_networks", "must be networks such as 10.20.0.0/16")
		}
		all = append(all, network.Masked())
	}
	return all, nil
}
