package notify

import (
	"encoding/base64"
	"errors"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/yourorg/platform/pkg/config"
)

const (
	maxAddress = 254  // bytes of an e-mail address (RFC 5321, section 4.5.3.1.3)
	maxDevice  = 4096 // bytes of a registration token
	maxDevices = 20
)

var phone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Check refuses an address that no channel could use, or that could carry something else with it, such as a header. The
// errors hold none of the values.
func (r Recipient) Check() error {
	var errs []error
	if r.Email != "" && !bare(r.Email) {
		errs = append(errs, errors.New("the address is not one bare e-mail address"))
	}
	if r.Phone != "" && !phone.MatchString(r.Phone) {
		errs = append(errs, errors.New("the phone number is not as of E.164"))
	}
	if len(r.Devices) > maxDevices {
		errs = append(errs, errors.New("there are more than 20 devices"))
	}
	for _, d := range r.Devices {
		if d == "" || len(d) > maxDevice || strings.ContainsFunc(d, func(c rune) bool { return c <= ' ' || c > '~' }) {
			errs = append(errs, errors.New("a device is no registration token"))
			break
		}
	}
	return errors.Join(errs...)
}

// bare tells whether text is one e-mail address and nothing else.
func bare(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Name == "" && a.Address == text && len(text) <= maxAddress &&
		!strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) || c == '\u2028' || c == '\u2029' })
}

func phoneOrNothing(text string) error {
	if text != "" && !phone.MatchString(text) {
		return errors.New("must be a number with the country, such as +4930123456")
	}
	return nil
}

func httpsOrNothing(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "") {
		return errors.New("must be an address that begins with https://")
	}
	return nil
}

// WebhookKey reads the secret of a webhook as standardwebhooks.com writes it: whsec_ and 24 to 64 bytes in base64.
func WebhookKey(s config.Secret) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("the secret of the webhook is not whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}

func keyOrNothing(s config.Secret) error {
	if s == "" {
		return nil
	}
	_, err := WebhookKey(s)
	return err
}
