package terms

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "terms" section of the configuration.
type Config struct {
	// DefaultPlan is the plan of tenants for which the operator has chosen none. It is one of terms.plans.
	DefaultPlan string `mapstructure:"default_plan"`
	// Plans are what tenants can be given, by name, beside the plans that the operator makes. Each is a list of entitlements
	// (blog.scheduling, blog.* or *), quotas (requests 10000/month, seats 5/lifetime, tokens 1000000/day soft) and rates (rate
	// 100 burst 200 for the tenant, key_rate 10 burst 20 for each of its API keys), separated by semicolons.
	Plans map[string]Spec `mapstructure:"plans"`
	// CacheTenants is how many tenants' terms a replica remembers; those that are rarely asked for are read again.
	CacheTenants int `mapstructure:"cache_tenants"`
	// CacheTTL is how long they are remembered when nothing changes.
	CacheTTL time.Duration `mapstructure:"cache_ttl"`
}

// DefaultConfig has one plan, which grants every entitlement and has no quotas.
func DefaultConfig() Config {
	return Config{
		DefaultPlan: "standard", Plans: map[string]Spec{"standard": {text: "*"}},
		CacheTenants: 10_000, CacheTTL: 10 * time.Minute,
	}
}

var planName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)

// Validate names every key that cannot work. Whether modules declare what the plans grant is asked later: see New.
func (c Config) Validate() error {
	var errs []error
	if _, there := c.Plans[c.DefaultPlan]; !there {
		errs = append(errs, config.Invalid("default_plan", "must be one of terms.plans"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Plans)) {
		if !planName.MatchString(name) {
			errs = append(errs, config.Invalid("plans", "must have names of up to 50 lower-case letters, digits, - and _"))
		} else if _, err := c.Plans[name].Grant(); err != nil {
			errs = append(errs, config.Invalid("plans", "%s: %s", name, err))
		}
	}
	if c.CacheTenants < 1 {
		errs = append(errs, config.Invalid("cache_tenants", "must be at least 1"))
	}
	if c.CacheTTL < time.Second {
		errs = append(errs, config.Invalid("cache_ttl", "must be at least 1s"))
	}
	return errors.Join(errs...)
}
