// Package twilio sends text messages through Twilio.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

// Config says with which account.
type Config struct {
	// AccountSID is the account at Twilio; it begins with AC.
	AccountSID string `mapstructure:"account_sid"`
	// AuthToken belongs to the account.
	AuthToken config.Secret `mapstructure:"auth_token"`
	// From is the number that messages come from, as of E.164, or a messaging service, which begins with MG.
	From string `mapstructure:"from"`
	// URL is where Twilio's API is.
	URL string `mapstructure:"url"`
}

// DefaultConfig has no account.
func DefaultConfig() Config { return Config{URL: "https://api.twilio.com"} }

var (
	account = regexp.MustCompile(`^AC[0-9a-zA-Z]{1,64}$`)
	origin  = regexp.MustCompile(`^(\+[1-9][0-9]{6,14}|MG[0-9a-zA-Z]{1,64})$`)
)

// Validate names every key that cannot work, below "twilio".
func (c Config) Validate() error {
	var errs []error
	if !account.MatchString(c.AccountSID) {
		errs = append(errs, config.Invalid("twilio.account_sid", "must begin with AC"))
	}
	if c.AuthToken == "" {
		errs = append(errs, config.Invalid("twilio.auth_token", "is missing"))
	}
	if !origin.MatchString(c.From) {
		errs = append(errs, config.Invalid("twilio.from", "must be a number such as +15005550006, or begin with MG"))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" {
		errs = append(errs, config.Invalid("twilio.url", "is not an address"))
	}
	return errors.Join(errs...)
}

// SMS is the channel "sms".
type SMS struct {
	cfg    Config
	client *http.Client
}

var _ notify.Channel = (*SMS)(nil)

// New connects when there is something to deliver.
func New(cfg Config, client *http.Client) *SMS { return &SMS{cfg: cfg, client: client} }

// Name is "sms".
func (*SMS) Name() string { return notify.SMS }

// Deliver implements notify.Channel. The id is that of the message at Twilio.
func (s *SMS) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	if r.To.Phone == "" {
		return "", notify.ErrNoAddress
	}
	form := url.Values{"To": {r.To.Phone}, "Body": {r.Short}}
	if strings.HasPrefix(s.cfg.From, "MG") {
		form.Set("MessagingServiceSid", s.cfg.From)
	} else {
		form.Set("From", s.cfg.From)
	}
	address := strings.TrimRight(s.cfg.URL, "/") + "/2010-04-01/Accounts/" + s.cfg.AccountSID + "/Messages.json"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("prepare the request to Twilio: %w", err))
	}
	request.SetBasicAuth(s.cfg.AccountSID, s.cfg.AuthToken.Reveal())
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("reach Twilio: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		SID  string `json:"sid"`
		Code int    `json:"code"` // of an error; the message beside it repeats the number
	}
	decoding := json.NewDecoder(answer.Body).Decode(&said)
	detail := ""
	if said.Code != 0 {
		detail = fmt.Sprintf("error %d", said.Code)
	}
	if err := notify.Answered("Twilio", answer, detail); err != nil {
		return "", err
	}
	if decoding != nil || said.SID == "" {
		return "", nil // it was taken: asking again would send it twice
	}
	return said.SID, nil
}
