package notify

import (
	"errors"
	"net/mail"

	"github.com/yourorg/platform/pkg/config"
)

// The channels.
const channelFile = "file"

// Config is the "notify" section of the configuration.
type Config struct {
	// Channel is how messages are delivered. The one channel so far is "file", which keeps them in dir for a developer
	// or another program to pick up. It is used when nothing is chosen; outside development that is warned about.
	Channel string `mapstructure:"channel"`
	// Dir is where the channel "file" keeps the messages, one file each. They hold secrets: nobody else may read them.
	Dir string `mapstructure:"dir"`
	// From is the sender of every message: an e-mail address, with a name or without.
	From string `mapstructure:"from"`
}

// DefaultConfig keeps messages in files without having been asked to.
func DefaultConfig() Config { return Config{Dir: "data/mail", From: "Platform <no-reply@localhost>"} }

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Channel != "" && c.Channel != channelFile {
		errs = append(errs, config.Invalid("channel", "must be %s or empty", channelFile))
	}
	if c.Dir == "" {
		errs = append(errs, config.Invalid("dir", "must name a folder"))
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		errs = append(errs, config.Invalid("from", "is not an e-mail address"))
	}
	return errors.Join(errs...)
}
