package notify

import (
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/notify"
)

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// write keeps a message in a file that only the owner can read. It is there whole or not at all; names sort by age.
func (o *Outbox) write(m notify.Message) (file string, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	content, err := o.compose(m, id, time.Now())
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(o.cfg.Dir, ".message-*") // with mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(content)
	err = errors.Join(err, f.Sync(), f.Close())
	file = filepath.Join(o.cfg.Dir, id.String()+".eml")
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("keep a message: %w", err), os.Remove(f.Name()))
	}
	return file, nil
}

// compose writes a message as of RFC 5322, in UTF-8 that can be read without a mail program.
func (o *Outbox) compose(m notify.Message, id uuid.UUID, at time.Time) (string, error) {
	from, err := mail.ParseAddress(o.cfg.From)
	if err != nil {
		return "", fmt.Errorf("notify.from: %w", err)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	var b strings.Builder
	for _, h := range [][2]string{
		{"Date", at.UTC().Format(time.RFC1123Z)},
		{"From", from.String()},
		{"To", (&mail.Address{Address: m.To}).String()},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Message-ID", "<" + id.String() + "@" + domain + ">"},
		{"X-Kind", m.Kind},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "8bit"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	for line := range strings.Lines(m.Text) {
		b.WriteString(strings.TrimRight(line, "\r\n") + "\r\n")
	}
	return b.String(), nil
}
