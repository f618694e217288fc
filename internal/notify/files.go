package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/notify"
)

// files are the channels of a developer: they keep what they are to deliver in a folder, or write it into the log.
type files struct {
	cfg Config
	env config.Environment
	log *zap.Logger
}

func newFiles(cfg Config, env config.Environment, log *zap.Logger) *files {
	return &files{cfg: cfg, env: env, log: log}
}

func (f *files) file(name string) notify.Channel    { return &folder{files: f, name: name} }
func (f *files) console(name string) notify.Channel { return &console{files: f, name: name} }

// start warns where nobody may know that mails become files.
func (f *files) start(context.Context) error {
	if f.cfg.Email == "" && f.env != config.Development && f.env != config.Test {
		f.log.Warn("nobody gets a mail: messages are kept in notify.dir; set notify.email, to file if that is meant", zap.String("dir", f.cfg.Dir))
	}
	if f.cfg.Email != "" && f.cfg.Email != byFile && f.cfg.SMS != byFile && f.cfg.Push != byFile {
		return nil
	}
	if err := makeFolder(f.cfg.Dir); err != nil {
		return fmt.Errorf("notify.dir: %w", err)
	}
	return nil
}

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

// folder is a channel that keeps one file for each delivery. What is delivered again replaces its file.
type folder struct {
	*files
	name string
}

func (c *folder) Name() string { return c.name }
func (*folder) Confirms() bool { return true }

// Deliver implements notify.Channel. Who it is for and what it says is shown to developers only: the text may hold a link
// that is as good as a password.
func (c *folder) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	content, suffix, err := c.compose(r)
	if err != nil {
		return "", err
	}
	file := filepath.Join(c.cfg.Dir, r.ID.String()+suffix)
	if err := c.write(file, content); err != nil {
		return "", fmt.Errorf("keep a message: %w", err)
	}
	log := c.log.With(append(logger.Scope(ctx), zap.String("kind", r.Template), zap.String("channel", c.name))...)
	if c.env == config.Development {
		log = log.With(zap.Any("to", r.To), zap.String("subject", r.Subject), zap.String("text", r.Text))
	}
	log.Info("message delivered", zap.String("file", file))
	return "", nil
}

// write keeps content in a file that only the owner can read. It is there whole or not at all; names sort by age.
func (c *folder) write(file string, content []byte) error {
	f, err := os.CreateTemp(c.cfg.Dir, ".message-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (c *folder) compose(r notify.Rendered) (content []byte, suffix string, err error) {
	if c.name != notify.Email {
		addresses, err := target(c.name, r)
		if err != nil {
			return nil, "", err
		}
		return []byte("To: " + strings.Join(addresses, ", ") + "\nKind: " + r.Template + "\nSubject: " + r.Subject + "\n\n" + r.Short + "\n"), "." + c.name + ".txt", nil
	}
	m, err := email.Sender{From: c.cfg.From, ReplyTo: c.cfg.ReplyTo, Readable: true}.Compose(r, time.Now())
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, "", fmt.Errorf("write a mail: %w", err)
	}
	return b.Bytes(), ".eml", nil
}

// target is where a channel delivers to.
func target(channel string, r notify.Rendered) ([]string, error) {
	var to []string
	switch channel {
	case notify.Email:
		to = []string{r.To.Email}
	case notify.SMS:
		to = []string{r.To.Phone}
	case notify.Push:
		to = r.To.Devices
	}
	if len(to) == 0 || to[0] == "" {
		return nil, notify.ErrNoAddress
	}
	return to, nil
}

// console is a channel that writes into the log, in development only: elsewhere the text would be kept where others read.
type console struct {
	*files
	name string
}

func (c *console) Name() string { return c.name }
func (*console) Confirms() bool { return true }

var errConsole = notify.Permanent(errors.New("the console is for development only"))

// Deliver implements notify.Channel.
func (c *console) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	if c.env != config.Development {
		return "", errConsole
	}
	to, err := target(c.name, r)
	if err != nil {
		return "", err
	}
	c.log.Info("message delivered", append(logger.Scope(ctx), zap.String("channel", c.name), zap.String("kind", r.Template),
		zap.Strings("to", to), zap.String("subject", r.Subject), zap.String("text", r.Text))...)
	return "", nil
}
