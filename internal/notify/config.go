package notify

import (
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/internal/infra/fcm"
	"github.com/yourorg/platform/internal/infra/ses"
	"github.com/yourorg/platform/internal/infra/twilio"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

// How a channel can be served.
const (
	byFile    = "file"
	byConsole = "console"
	bySMTP    = "smtp"
	bySES     = "ses"
	byTwilio  = "twilio"
	byFCM     = "fcm"
)

// Config is the "notify" section of the configuration.
type Config struct {
	// Channels are the ways that a notification goes which says nothing else, and whose template does not either: each is
	// a channel, or several in the order in which they are tried, such as "push|sms|email".
	Channels []string `mapstructure:"channels"`
	// Email is how mails are delivered: smtp, ses, file or console. Files are used when nothing is chosen; outside
	// development that is warned about.
	Email string `mapstructure:"email"`
	// SMS is how text messages are delivered: twilio, file or console. There are none when nothing is chosen.
	SMS string `mapstructure:"sms"`
	// Push is how devices are reached: fcm, file or console. They are not when nothing is chosen.
	Push string `mapstructure:"push"`
	// Dir is where "file" keeps the messages, one file each. They hold secrets: nobody else may read them.
	Dir string `mapstructure:"dir"`
	// From is the sender of every mail: an e-mail address, with a name or without.
	From string `mapstructure:"from"`
	// ReplyTo is where answers to mails go, when not to the sender.
	ReplyTo string `mapstructure:"reply_to"`
	// PublicURL is where people see the app, for links in mails: identity.public_url when it is empty.
	PublicURL string `mapstructure:"public_url"`
	// APIURL is where mail programs reach this API to unsubscribe: PublicURL when it is empty.
	APIURL string `mapstructure:"api_url"`
	// MaxAttempts is how often a channel is tried before the next one is, or the delivery has failed.
	MaxAttempts int `mapstructure:"max_attempts"`
	// RetryMin is the pause after the first failure. It doubles with each one.
	RetryMin time.Duration `mapstructure:"retry_min"`
	// RetryMax is the longest pause.
	RetryMax time.Duration `mapstructure:"retry_max"`
	// Timeout bounds one attempt.
	Timeout time.Duration `mapstructure:"timeout"`
	// Expiry is how long a notification is tried that does not say for how long it is worth something.
	Expiry time.Duration `mapstructure:"expiry"`
	// Digest is how often what is not urgent is mailed to whoever has not chosen: off (at once), hourly or daily.
	Digest string `mapstructure:"digest"`
	// Retention is how long receipts and what is in the inboxes are kept.
	Retention time.Duration `mapstructure:"retention"`

	SMTP   email.Config  `mapstructure:"smtp"`
	SES    ses.Config    `mapstructure:"ses"`
	Twilio twilio.Config `mapstructure:"twilio"`
	FCM    fcm.Config    `mapstructure:"fcm"`
}

// DefaultConfig keeps mails in files without having been asked to.
func DefaultConfig() Config {
	return Config{
		Channels: []string{notify.Email}, Dir: "data/mail", From: "Platform <no-reply@localhost>",
		MaxAttempts: 5, RetryMin: 10 * time.Second, RetryMax: 15 * time.Minute, Timeout: 30 * time.Second,
		Expiry: 72 * time.Hour, Digest: notify.Daily, Retention: 30 * 24 * time.Hour,
		SMTP: email.DefaultConfig(), Twilio: twilio.DefaultConfig(), FCM: fcm.DefaultConfig(),
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	errs := []error{
		oneOf("email", c.Email, "", bySMTP, bySES, byFile, byConsole),
		oneOf("sms", c.SMS, "", byTwilio, byFile, byConsole),
		oneOf("push", c.Push, "", byFCM, byFile, byConsole),
		oneOf("digest", c.Digest, notify.Off, notify.Hourly, notify.Daily),
		address("public_url", c.PublicURL), address("api_url", c.APIURL),
	}
	bad := func(wrong bool, key, reason string) {
		if wrong {
			errs = append(errs, config.Invalid(key, "%s", reason))
		}
	}
	_, err := mail.ParseAddress(c.From)
	bad(err != nil, "from", "is not an e-mail address")
	_, err = mail.ParseAddress(c.ReplyTo)
	bad(c.ReplyTo != "" && err != nil, "reply_to", "is not an e-mail address")
	bad(c.Dir == "", "dir", "must name a folder")
	bad(len(c.Channels) == 0, "channels", "must name one at least")
	bad(c.MaxAttempts < 1 || c.MaxAttempts > 100, "max_attempts", "must be from 1 to 100")
	bad(c.RetryMin <= 0, "retry_min", "must be positive")
	bad(c.RetryMax < c.RetryMin, "retry_max", "must not be below retry_min")
	bad(c.Timeout <= 0, "timeout", "must be positive")
	bad(c.Expiry <= 0, "expiry", "must be positive")
	bad(c.Retention < 24*time.Hour, "retention", "must be a day at least")
	if c.Email == bySMTP {
		errs = append(errs, c.SMTP.Validate())
	}
	if c.Email == bySES {
		errs = append(errs, c.SES.Validate())
	}
	if c.SMS == byTwilio {
		errs = append(errs, c.Twilio.Validate())
	}
	if c.Push == byFCM {
		errs = append(errs, c.FCM.Validate())
	}
	return errors.Join(errs...)
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	names := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	if len(names) < len(allowed) {
		names = append(names, "empty")
	}
	return config.Invalid(key, "must be %s or %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

func address(key, value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return config.Invalid(key, "is not the address of a site")
	}
	return nil
}
