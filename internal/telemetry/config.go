package telemetry

import (
	"errors"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "log" section of the configuration.
type Config struct {
	// Level is the least that is logged: debug, info, warn or error.
	Level string `mapstructure:"level" reload:"true"`
	// Format is json, console, or auto: console in development and json elsewhere.
	Format string `mapstructure:"format"`
}

// DefaultConfig logs from info on.
func DefaultConfig() Config { return Config{Level: "info", Format: "auto"} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if _, err := parseLevel(c.Level); err != nil {
		errs = append(errs, config.Invalid("level", "%s", err))
	}
	if c.Format != "auto" && c.Format != "json" && c.Format != "console" {
		errs = append(errs, config.Invalid("format", "must be auto, json or console"))
	}
	return errors.Join(errs...)
}
