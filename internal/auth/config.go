package auth

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
)

// Config is the "auth" section of the configuration.
type Config struct {
	// Issuer is the iss claim of the tokens, and the only one that is accepted.
	Issuer string `mapstructure:"issuer"`
	// Audience is the aud claim of the tokens; a token must name it.
	Audience string `mapstructure:"audience"`
	// AccessTTL is how long an access token lasts.
	AccessTTL time.Duration `mapstructure:"access_ttl"`
	// ClockSkew is how far the clocks of the replicas may differ.
	ClockSkew time.Duration `mapstructure:"clock_skew"`
	// CacheSize is how many verified tokens each replica remembers.
	CacheSize int `mapstructure:"cache_size"`

	// StepUpAge is how old an authentication may be for operations that need a recent one (x-step-up in the contract).
	StepUpAge time.Duration `mapstructure:"step_up_age"`

	// RequireVerifiedEmail lets nobody sign in who has not proved their e-mail address: 403 identity.email_unverified.
	RequireVerifiedEmail bool `mapstructure:"require_verified_email"`

	Register RegisterConfig `mapstructure:"register"`

	auth.SessionRules `mapstructure:",squash"`

	Lockout auth.LockoutRules `mapstructure:"lockout"`

	Cookie auth.CookieRules `mapstructure:"cookie"`
}

// RegisterConfig says what registration tells.
type RegisterConfig struct {
	// Conceal keeps secret who has an account: registration answers 202 to known and unknown addresses alike, and the
	// rest is in a mail.
	Conceal bool `mapstructure:"conceal"`
}

// DefaultConfig has tokens of a quarter of an hour.
func DefaultConfig() Config {
	return Config{
		Issuer:    "platform",
		Audience:  "platform",
		AccessTTL: 15 * time.Minute,
		ClockSkew: 5 * time.Second,
		CacheSize: 100_000,
		StepUpAge: 15 * time.Minute,

		SessionRules: auth.DefaultSessionRules(),
		Lockout:      auth.DefaultLockoutRules(),
		Cookie:       auth.DefaultCookieRules(),
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Issuer == "" {
		errs = append(errs, config.Invalid("issuer", "must not be empty"))
	}
	if c.Audience == "" {
		errs = append(errs, config.Invalid("audience", "must not be empty"))
	}
	if c.AccessTTL < 5*time.Second || c.AccessTTL > 24*time.Hour {
		errs = append(errs, config.Invalid("access_ttl", "must be between 5s and 24h"))
	}
	if c.ClockSkew < 0 || c.ClockSkew > time.Minute {
		errs = append(errs, config.Invalid("clock_skew", "must be between 0s and 1m"))
	}
	if c.CacheSize < 1 {
		errs = append(errs, config.Invalid("cache_size", "must be at least 1"))
	}
	if c.StepUpAge < time.Second || c.StepUpAge > 24*time.Hour {
		errs = append(errs, config.Invalid("step_up_age", "must be between 1s and 24h"))
	}
	return errors.Join(append(errs, c.SessionRules.Validate(), c.Lockout.Validate(), c.Cookie.Validate())...)
}
