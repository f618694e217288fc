package tenant

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "tenant" section of the configuration.
type Config struct {
	// BaseDomain is the domain below which each tenant has a host of its own: with example.com, acme.example.com names
	// the tenant whose slug is acme. Empty means that hosts name no tenants.
	BaseDomain string `mapstructure:"base_domain"`
	// ReservedHosts are the labels below the base domain that name no tenant.
	ReservedHosts []string `mapstructure:"reserved_hosts"`
}

// DefaultConfig has no base domain.
func DefaultConfig() Config { return Config{ReservedHosts: []string{"api", "app", "www"}} }

const maxDomain = 253 // characters, RFC 1035

// label is one part of a host name (RFC 1123, section 2.1), in lower case.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.BaseDomain != "" {
		parts := strings.Split(c.BaseDomain, ".")
		if len(c.BaseDomain) > maxDomain || slices.ContainsFunc(parts, func(p string) bool { return !label.MatchString(p) }) {
			errs = append(errs, config.Invalid("base_domain", "must be a domain in lower case, without a port, such as example.com"))
		}
	}
	if slices.ContainsFunc(c.ReservedHosts, func(h string) bool { return !label.MatchString(h) }) {
		errs = append(errs, config.Invalid("reserved_hosts", "must be labels in lower case, such as www"))
	}
	return errors.Join(errs...)
}
