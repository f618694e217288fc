package identity

import (
	"errors"
	"net/url"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

func (c Config) validateAccounts() error {
	var errs []error
	lasts := func(key string, value, low, high time.Duration) {
		if value < low || value > high {
			errs = append(errs, config.Invalid(key, "must be between %s and %s", low, high))
		}
	}
	lasts("verification_ttl", c.VerificationTTL, time.Minute, 30*24*time.Hour)
	lasts("reset_ttl", c.ResetTTL, time.Minute, 24*time.Hour)
	lasts("email_change_ttl", c.EmailChangeTTL, time.Minute, 30*24*time.Hour)
	lasts("mail_interval", c.MailInterval, 0, 24*time.Hour)
	lasts("deletion_grace", c.DeletionGrace, 0, 365*24*time.Hour)
	if c.PublicURL != "" && !publicURL(c.PublicURL) {
		errs = append(errs, config.Invalid("public_url", "must be an address such as https://app.example.com"))
	}
	return errors.Join(errs...)
}

// publicURL accepts an absolute address that a path can be put behind.
func publicURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}
