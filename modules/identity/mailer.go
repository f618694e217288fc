package identity

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

// mailer sends people links, which it makes from the configuration alone: never from a request, whose Host header is
// the caller's.
type mailer struct {
	cfg    Config
	env    config.Environment
	base   string // of every link, without a slash at the end
	tokens *mailTokens
	sender notify.Notifier
	later  *afterwards
	log    *zap.Logger
}

func newMailer(
	cfg Config, env config.Environment, all config.Provider, tokens *mailTokens, sender notify.Notifier,
	run tx.Runner, log *zap.Logger,
) *mailer {
	base := cfg.PublicURL
	if base == "" {
		addr, _ := all.Get("http.addr")
		base = ownURL(fmt.Sprint(addr))
	}
	return &mailer{
		cfg: cfg, env: env, base: strings.TrimRight(base, "/"), tokens: tokens, sender: sender, later: newAfterwards(run, log), log: log,
	}
}

// ownURL is where a server that listens at addr is reached from the same machine.
func ownURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	return (&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}).String()
}

// start warns of links that may lead nowhere.
func (m *mailer) start(ctx context.Context) error {
	if m.cfg.PublicURL == "" && m.env != config.Development && m.env != config.Test {
		m.log.Warn("identity.public_url is not set: mailed links begin with the server's own address", zap.String("url", m.base))
	}
	return m.later.start(ctx)
}

// stop finishes what waits to be written.
func (m *mailer) stop(ctx context.Context) error { return m.later.stop(ctx) }

// link keeps the token in the fragment, which browsers do not send: it reaches no log, proxy or Referer header.
func (m *mailer) link(page, secret string) string { return m.base + "/" + page + "#token=" + secret }

// verification mails u a link that proves the address. It wants to be called in a transaction, as all of these.
func (m *mailer) verification(ctx context.Context, u User) error {
	secret, err := m.token(ctx, u, forVerification)
	if err != nil {
		return err
	}
	return m.send(ctx, linkLetter(reaching(u), "verify_email", m.link("verify-email", secret), m.cfg.VerificationTTL))
}

// reset mails u a link to a new password.
func (m *mailer) reset(ctx context.Context, u User) error {
	secret, err := m.token(ctx, u, forReset)
	if err != nil {
		return err
	}
	return m.send(ctx, linkLetter(reaching(u), "reset_password", m.link("reset-password", secret), m.cfg.ResetTTL))
}

// accountExists tells u that somebody tried to register their address. It counts as a reset, so that it is not sent more
// often than one.
func (m *mailer) accountExists(ctx context.Context, u User) error {
	secret, err := m.token(ctx, u, forReset)
	if err != nil {
		return err
	}
	return m.send(ctx, linkLetter(reaching(u), "account_exists", m.link("reset-password", secret), m.cfg.ResetTTL))
}

// tooSoon tells whether u got such a link just now: anybody can ask for one, and nobody's mailbox is to be flooded.
func (m *mailer) tooSoon(ctx context.Context, u User, purpose string) (bool, error) {
	if m.cfg.MailInterval == 0 {
		return false, nil
	}
	return m.tokens.sentSince(ctx, u.ID, purpose, now().Add(-m.cfg.MailInterval))
}

func (m *mailer) token(ctx context.Context, u User, purpose string) (secret string, err error) {
	ttl := m.cfg.VerificationTTL
	if purpose == forReset {
		ttl = m.cfg.ResetTTL
	}
	secret, t, err := newMailToken(u, purpose, ttl)
	if err != nil {
		return "", err
	}
	return secret, m.tokens.insert(ctx, t)
}

func (m *mailer) send(ctx context.Context, letter notify.Notification) error {
	_, err := m.sender.Send(ctx, letter)
	return err
}
