package testapp

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Mail is a message that was delivered.
type Mail struct {
	To, Kind, Subject, Text string
	Header                  mail.Header
}

var mailFolders sync.Map // database URL → folder

// mailFolder is shared by all platforms over one database: each of them may take the job that delivers a mail.
func mailFolder(t testing.TB, url string) string {
	dir, _ := mailFolders.LoadOrStore(url, filepath.Join(t.TempDir(), "mail"))
	return dir.(string)
}

// Mail waits for the next message of a kind to an address, each of which it returns once, oldest first. It reads what
// the file channel wrote, and nothing else.
func (a *App) Mail(t testing.TB, address, kind string) Mail {
	t.Helper()
	var found Mail
	require.Eventually(t, func() bool {
		for name, m := range a.delivered(t, address) {
			if _, seen := a.read.Load(name); m.Kind != kind || seen {
				continue
			}
			if _, seen := a.read.LoadOrStore(name, true); !seen {
				found = m
				return true
			}
		}
		return false
	}, time.Minute, 5*time.Millisecond, "no mail of the kind %s came to %s", kind, address)
	return found
}

// Mails lists everything that has been delivered to an address so far, oldest first. What is still on its way is not
// there: to show that something was not sent, wait for something that is sent after it.
func (a *App) Mails(t testing.TB, address string) []Mail {
	t.Helper()
	var all []Mail
	for _, m := range a.delivered(t, address) {
		all = append(all, m)
	}
	return all
}

// delivered yields the messages to an address by the names of their files.
func (a *App) delivered(t testing.TB, address string) func(yield func(string, Mail) bool) {
	t.Helper()
	entries, err := os.ReadDir(a.mailDir) // sorted by name, so by age
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return func(yield func(string, Mail) bool) {
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), ".eml") {
				continue
			}
			m := readMail(t, filepath.Join(a.mailDir, entry.Name()))
			if strings.EqualFold(m.To, address) && !yield(entry.Name(), m) {
				return
			}
		}
	}
}

func readMail(t testing.TB, file string) Mail {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	m, err := mail.ReadMessage(f)
	require.NoError(t, err)
	to, err := m.Header.AddressList("To")
	require.NoError(t, err)
	require.Len(t, to, 1)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	text, err := plainText(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	require.NoError(t, err)
	return Mail{
		To: to[0].Address, Kind: m.Header.Get("X-Kind"), Subject: subject, Header: m.Header,
		Text: strings.ReplaceAll(string(text), "\r\n", "\n"),
	}
}

// plainText is the part of a mail that everybody can read.
func plainText(contentType, encoding string, body io.Reader) ([]byte, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(media, "multipart/") {
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		return io.ReadAll(body)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			return io.ReadAll(part) // which decodes it
		}
	}
}

var (
	anyLink  = regexp.MustCompile(`https?://\S+`)
	anyToken = regexp.MustCompile(`token=([A-Za-z0-9_-]+)`)
)

// Link is the one link in the message.
func (m Mail) Link(t testing.TB) string {
	t.Helper()
	links := anyLink.FindAllString(m.Text, -1)
	require.Len(t, links, 1, "%s", m.Text)
	return links[0]
}

// Token is the token in that link.
func (m Mail) Token(t testing.TB) string {
	t.Helper()
	found := anyToken.FindStringSubmatch(m.Link(t))
	require.NotNil(t, found, "%s", m.Text)
	return found[1]
}
