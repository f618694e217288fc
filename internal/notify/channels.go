package notify

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/internal/infra/fcm"
	"github.com/yourorg/platform/internal/infra/ses"
	"github.com/yourorg/platform/internal/infra/twilio"
	"github.com/yourorg/platform/internal/infra/webhook"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/web"
)

// Channels are the ways out, by name. One that exists and is not configured is nil.
type Channels struct {
	all   map[string]notify.Channel
	files *files
}

// errOff is why a channel that nothing is configured for cannot deliver.
var errOff = notify.Permanent(errors.New("the channel is not configured"))

// NewChannels makes those that the configuration names, beside those that modules contribute. Each connects when it has
// something to deliver.
func NewChannels(cfg Config, env config.Environment, out web.Outbound, r settings.Reader, more []notify.Channel, log *zap.Logger) (*Channels, error) {
	sender := email.Sender{From: cfg.From, ReplyTo: cfg.ReplyTo}
	f := newFiles(cfg, env, log)
	c := &Channels{files: f, all: map[string]notify.Channel{
		notify.Email: f.file(notify.Email), notify.SMS: nil, notify.Push: nil, notify.Inbox: nil,
		notify.Webhook: webhook.New(out.Guarded(), r),
	}}
	switch cfg.Email {
	case bySMTP:
		c.all[notify.Email] = email.NewSMTP(cfg.SMTP, sender, cfg.Timeout, nil)
	case bySES:
		c.all[notify.Email] = ses.New(cfg.SES, sender, trusted(out))
	case byConsole:
		c.all[notify.Email] = f.console(notify.Email)
	}
	for name, choice := range map[string]string{notify.SMS: cfg.SMS, notify.Push: cfg.Push} {
		switch choice {
		case byFile:
			c.all[name] = f.file(name)
		case byConsole:
			c.all[name] = f.console(name)
		case byTwilio:
			c.all[name] = twilio.New(cfg.Twilio, trusted(out))
		case byFCM:
			channel, err := fcm.New(cfg.FCM, trusted(out))
			if err != nil {
				return nil, fmt.Errorf("notify.fcm: %w", err)
			}
			c.all[name] = channel
		}
	}
	var errs []error
	for _, one := range more {
		name := one.Name()
		if taken, there := c.all[name]; taken != nil || there && name != notify.SMS && name != notify.Push || !word.MatchString(name) {
			errs = append(errs, fmt.Errorf("the channel %q is there twice, or has no name", name))
		}
		c.all[name] = one
	}
	for _, w := range cfg.Channels {
		for name := range strings.SplitSeq(w, "|") {
			if !c.known(name) {
				errs = append(errs, fmt.Errorf("notify.channels: there is no channel %q", name))
			}
		}
	}
	return c, errors.Join(errs...)
}

func trusted(out web.Outbound) *http.Client { return out.Trusted() }

func (c *Channels) known(name string) bool {
	_, ok := c.all[name]
	return ok
}

// configured tells whether something can be delivered through a channel. The inbox is a table.
func (c *Channels) configured(name string) bool { return name == notify.Inbox || c.all[name] != nil }

func (c *Channels) names() []string { return slices.Sorted(maps.Keys(c.all)) }

// confirmed is the state of what a channel has taken.
func confirmed(c notify.Channel) string {
	if sure, ok := c.(notify.Confirming); ok && sure.Confirms() {
		return notify.Delivered
	}
	return notify.Sent
}
