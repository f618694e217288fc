package sentry

import (
	"errors"

	"github.com/getsentry/sentry-go"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "sentry" section of the configuration.
type Config struct {
	// DSN is where panics and unexpected errors are sent, as the project's page in Sentry shows it. Empty, nothing is sent.
	DSN config.Secret `mapstructure:"dsn"`
	// SampleRate is the fraction of the reports that are sent, from 0 to 1.
	SampleRate float64 `mapstructure:"sample_rate"`
	// SendPersonalData sends the ids of users and the texts of errors too, which may quote what a caller sent. Without it there are
	// the id of the tenant, the code or the type of the error, and the stack of a panic. Addresses, headers and bodies are never sent.
	SendPersonalData bool `mapstructure:"send_personal_data"`
}

// DefaultConfig sends nothing.
func DefaultConfig() Config { return Config{SampleRate: 1} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.DSN != "" {
		if _, err := sentry.NewDsn(c.DSN.Reveal()); err != nil { // the error may quote the key
			errs = append(errs, config.Invalid("dsn", "must be like https://key@sentry.example.com/1"))
		}
	}
	if !(c.SampleRate >= 0 && c.SampleRate <= 1) { // not a number is neither
		errs = append(errs, config.Invalid("sample_rate", "must be between 0 and 1"))
	}
	return errors.Join(errs...)
}
