package catalog

import (
	"slices"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "modules" section of the configuration.
type Config struct {
	// Disabled names the features that are switched off: no routes, jobs or permissions. Their tables stay.
	Disabled []string `mapstructure:"disabled"`
}

// DefaultConfig switches everything on.
func DefaultConfig() Config { return Config{Disabled: []string{}} }

// Validate refuses an empty name. Whether a name is known is seen when the catalog is made.
func (c Config) Validate() error {
	if slices.Contains(c.Disabled, "") {
		return config.Invalid("disabled", "contains an empty name")
	}
	return nil
}
