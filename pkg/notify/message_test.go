package notify_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/notify"
)

func letter(change func(*notify.Message)) notify.Message {
	m := notify.Message{To: "ada@example.com", Kind: "identity.reset_password", Subject: "Set a new password", Text: "Hello\n"}
	change(&m)
	return m
}

func TestAMessageThatCouldSmuggleIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*notify.Message){
		"no recipient":                        func(m *notify.Message) { m.To = "" },
		"two recipients":                      func(m *notify.Message) { m.To = "ada@example.com, eve@example.com" },
		"a recipient with a name":             func(m *notify.Message) { m.To = "Ada <ada@example.com>" },
		"a recipient that begins a header":    func(m *notify.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" },
		"a recipient that ends its line":      func(m *notify.Message) { m.To = "ada@example.com\n" },
		"no kind":                             func(m *notify.Message) { m.Kind = "" },
		"a kind that begins a header":         func(m *notify.Message) { m.Kind = "a.b\nBcc: eve@example.com" },
		"no subject":                          func(m *notify.Message) { m.Subject = "" },
		"a subject that begins a header":      func(m *notify.Message) { m.Subject = "Hi\r\nBcc: eve@example.com" },
		"a subject with a carriage return":    func(m *notify.Message) { m.Subject = "Hi\rBcc: eve@example.com" },
		"a subject with a line separator":     func(m *notify.Message) { m.Subject = "Hi\u2028Bcc: eve@example.com" },
		"a subject with a NUL":                func(m *notify.Message) { m.Subject = "Hi\x00" },
		"a subject that is not UTF-8":         func(m *notify.Message) { m.Subject = "Hi\xff" },
		"an endless subject":                  func(m *notify.Message) { m.Subject = strings.Repeat("x", 201) },
		"no text":                             func(m *notify.Message) { m.Text = "" },
		"a text that is not UTF-8":            func(m *notify.Message) { m.Text = "\xff" },
		"a text with a NUL":                   func(m *notify.Message) { m.Text = "a\x00" },
		"a text longer than anybody reads it": func(m *notify.Message) { m.Text = strings.Repeat("x", 1<<16+1) },
	} {
		err := letter(change).Validate()
		require.ErrorContains(t, err, "this message cannot be sent", name)
		require.NotContains(t, err.Error(), "eve@example.com", name)
	}
	require.NoError(t, letter(func(*notify.Message) {}).Validate())
	require.NoError(t, letter(func(m *notify.Message) { m.Subject = strings.Repeat("ü", 200) }).Validate())
}

// Whatever is accepted fits into one header line each.
func FuzzValidate(f *testing.F) {
	f.Add("ada@example.com", "a.b", "Hi", "Hello")
	f.Add("ada@example.com\r\nBcc: eve@example.com", "a.b", "Hi\nX", "\x00")
	f.Fuzz(func(t *testing.T, to, kind, subject, text string) {
		m := notify.Message{To: to, Kind: kind, Subject: subject, Text: text}
		if m.Validate() != nil {
			return
		}
		require.False(t, strings.ContainsAny(to+kind+subject, "\r\n\x00"))
	})
}
