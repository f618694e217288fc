package identity

import (
	"errors"
	"strings"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// MFAConfig says how second factors work.
type MFAConfig struct {
	// Issuer is what authenticator apps call the platform.
	Issuer string `mapstructure:"issuer"`
	// SignInTTL is how long somebody who has given the password may take to give the code.
	SignInTTL time.Duration `mapstructure:"sign_in_ttl"`
	// Attempts is how many codes each sign-in may try.
	Attempts int `mapstructure:"attempts"`
	// Skew is how many time steps of 30 seconds a code may be early or late.
	Skew int `mapstructure:"skew"`
}

func defaultMFA() MFAConfig {
	return MFAConfig{Issuer: "Platform", SignInTTL: 5 * time.Minute, Attempts: 5, Skew: 1}
}

func (c MFAConfig) validate() error {
	var errs []error
	if c.Issuer == "" || len(c.Issuer) > 64 || strings.ContainsAny(c.Issuer, ":/\r\n") {
		errs = append(errs, config.Invalid("mfa.issuer", "must be a name of at most 64 bytes without colon and slash"))
	}
	if c.SignInTTL < time.Second || c.SignInTTL > time.Hour {
		errs = append(errs, config.Invalid("mfa.sign_in_ttl", "must be between 1s and 1h"))
	}
	if c.Attempts < 1 || c.Attempts > 20 {
		errs = append(errs, config.Invalid("mfa.attempts", "must be between 1 and 20"))
	}
	if c.Skew < 0 || c.Skew > 2 {
		errs = append(errs, config.Invalid("mfa.skew", "must be between 0 and 2"))
	}
	return errors.Join(errs...)
}
