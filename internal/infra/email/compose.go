// Package email makes mails of notifications, and hands them to a server that speaks SMTP.
package email

import (
	"errors"
	"fmt"
	"html"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/yourorg/platform/pkg/notify"
)

// Sender is who mails come from.
type Sender struct {
	From    string // an e-mail address, with a name or without
	ReplyTo string // the same, or empty

	// Readable leaves the text as it is, for who reads a mail without a mail program. Not every server takes that.
	Readable bool
}

// Compose makes a mail (RFC 5322, MIME) with a part of plain text, and one of HTML when there is some. A mail that is not
// essential can be unsubscribed from with one click (RFC 8058). Whatever could begin a header of its own is refused: the
// checks were made before, and are made again here, where the headers are.
func (s Sender) Compose(r notify.Rendered, at time.Time) (*mail.Msg, error) {
	if r.To.Email == "" {
		return nil, notify.ErrNoAddress
	}
	if err := (notify.Recipient{Email: r.To.Email}).Check(); err != nil {
		return nil, notify.Permanent(err)
	}
	for name, value := range map[string]string{
		"subject": r.Subject, "template": r.Template, "locale": r.Locale, "link to unsubscribe": r.Unsubscribe,
	} {
		if !line(value) {
			return nil, notify.Permanent(fmt.Errorf("the %s is not one line", name))
		}
	}
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(s.From), m.To(r.To.Email)); err != nil {
		return nil, notify.Permanent(errors.New("the sender or the recipient is not an e-mail address"))
	}
	if s.ReplyTo != "" {
		if err := m.ReplyTo(s.ReplyTo); err != nil {
			return nil, notify.Permanent(errors.New("notify.reply_to is not an e-mail address"))
		}
	}
	m.Subject(r.Subject)
	m.SetDateWithValue(at)
	m.SetMessageIDWithValue(r.ID.String() + "@" + s.domain())
	m.SetGenHeader("X-Kind", r.Template)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // keeps answering machines quiet (RFC 3834)
	if r.Locale != "" {
		m.SetGenHeader("Content-Language", r.Locale)
	}
	if r.Unsubscribe != "" {
		m.SetGenHeaderPreformatted("List-Unsubscribe", "<"+r.Unsubscribe+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	text, rich := footed(r)
	m.SetBodyString(mail.TypeTextPlain, text, mail.WithPartEncoding(s.encoding(text)))
	if rich != "" {
		m.AddAlternativeString(mail.TypeTextHTML, rich, mail.WithPartEncoding(mail.EncodingQP))
	}
	return m, nil
}

// encoding leaves a text as it is when that was asked for and its lines fit (RFC 5322, section 2.1.1).
func (s Sender) encoding(text string) mail.Encoding {
	for l := range strings.Lines(text) {
		if len(l) > 900 {
			return mail.EncodingQP
		}
	}
	if s.Readable {
		return mail.NoEncoding
	}
	return mail.EncodingQP
}

func (s Sender) domain() string {
	a, err := netmail.ParseAddress(s.From)
	if err != nil {
		return "localhost"
	}
	_, domain, _ := strings.Cut(a.Address, "@")
	return domain
}

// footed adds the way out to what is not essential.
func footed(r notify.Rendered) (text, rich string) {
	text, rich = strings.ReplaceAll(strings.ReplaceAll(r.Text, "\r\n", "\n"), "\r", "\n"), r.HTML
	if r.UnsubscribePage == "" {
		return text, rich
	}
	words := "Unsubscribe"
	if r.Locale == "zh" || strings.HasPrefix(r.Locale, "zh-") {
		words = "退订"
	}
	text = strings.TrimRight(text, "\n") + "\n\n-- \n" + words + ": " + r.UnsubscribePage + "\n"
	if rich != "" {
		foot := `<p><a href="` + html.EscapeString(r.UnsubscribePage) + `">` + words + `</a></p>`
		if at := strings.LastIndex(strings.ToLower(rich), "</body>"); at >= 0 && len(strings.ToLower(rich)) == len(rich) {
			rich = rich[:at] + foot + rich[at:]
		} else {
			rich += foot
		}
	}
	return text, rich
}

// line tells whether a header can hold the value.
func line(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(c rune) bool { return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' })
}
