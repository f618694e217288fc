package notify

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxSubject = 200     // characters
	maxText    = 1 << 16 // bytes
)

var kind = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

// Validate refuses what a channel could not deliver as it is: an address that is not one bare address, a subject of
// several lines, which could carry headers of its own (RFC 5322, section 2.2), or text that is not UTF-8. The errors hold
// none of the values.
func (m Message) Validate() error {
	var errs []error
	if a, err := mail.ParseAddress(m.To); err != nil || a.Name != "" || a.Address != m.To || strings.ContainsFunc(m.To, unicode.IsControl) {
		errs = append(errs, errors.New("the recipient is not a bare e-mail address"))
	}
	if !kind.MatchString(m.Kind) {
		errs = append(errs, errors.New("the kind is not <module>.<what>"))
	}
	if m.Subject == "" || utf8.RuneCountInString(m.Subject) > maxSubject || !utf8.ValidString(m.Subject) || strings.ContainsFunc(m.Subject, splits) {
		errs = append(errs, fmt.Errorf("the subject is not one line of 1 to %d characters", maxSubject))
	}
	if m.Text == "" || len(m.Text) > maxText || !utf8.ValidString(m.Text) || strings.ContainsRune(m.Text, 0) {
		errs = append(errs, fmt.Errorf("the text is not UTF-8 of 1 to %d bytes", maxText))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("this message cannot be sent: %w", err)
	}
	return nil
}

// splits tells what ends a line in one program or another.
func splits(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
