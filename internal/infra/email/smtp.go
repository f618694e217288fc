package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/yourorg/platform/pkg/notify"
)

// SMTP is the channel "email" over a mail server. It makes a connection for each mail, and may be used by several
// goroutines.
type SMTP struct {
	cfg     Config
	sender  Sender
	timeout time.Duration
	trust   *tls.Config
}

var _ notify.Channel = (*SMTP)(nil)

// NewSMTP connects when there is something to deliver. trust may be nil: then the certificates of the system count.
func NewSMTP(cfg Config, sender Sender, timeout time.Duration, trust *tls.Config) *SMTP {
	return &SMTP{cfg: cfg, sender: sender, timeout: timeout, trust: trust}
}

// Name is "email".
func (*SMTP) Name() string { return notify.Email }

// Deliver implements notify.Channel. The id is that of the message.
func (s *SMTP) Deliver(ctx context.Context, r notify.Rendered) (string, error) {
	m, err := s.sender.Compose(r, time.Now())
	if err != nil {
		return "", err
	}
	client, err := s.client()
	if err != nil {
		return "", notify.Permanent(fmt.Errorf("the mail server: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, m); err != nil && !m.IsDelivered() {
		return "", classify(err)
	}
	return m.GetMessageID(), nil // also when only saying goodbye failed
}

func (s *SMTP) client() (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(s.cfg.Port), mail.WithTimeout(s.timeout), mail.WithDialContextFunc(s.dial)}
	switch s.cfg.TLS {
	case TLS:
		options = append(options, mail.WithSSL())
	case None:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	options = append(options, mail.WithTLSConfig(s.tls()))
	if s.cfg.Helo != "" {
		options = append(options, mail.WithHELO(s.cfg.Helo))
	}
	if s.cfg.Username != "" {
		how := mail.SMTPAuthAutoDiscover
		if s.cfg.TLS == TLS { // the client does not see that our connection is private, and would look for other ways
			how = mail.SMTPAuthPlain
		}
		options = append(options, mail.WithSMTPAuth(how), mail.WithUsername(s.cfg.Username), mail.WithPassword(s.cfg.Password.Reveal()))
	}
	return mail.NewClient(s.cfg.Host, options...)
}

// dial gives the connection a deadline. Without one a server that says nothing would be waited for for ever: the client
// waits for the greeting without a limit of its own.
func (s *SMTP) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: s.timeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if s.cfg.TLS != TLS {
		return conn, nil
	}
	secured := tls.Client(conn, s.tls())
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secured, nil
}

func (s *SMTP) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.trust != nil {
		c = s.trust.Clone()
	}
	c.ServerName = s.cfg.Host
	return c
}

// classify tells what another try may mend. A server says so by its code: 4yz may work later, 5yz will not (RFC 5321,
// section 4.2.1). What fails before the recipient is named, such as the sign-in, is for the operator to mend, so it is
// tried again.
func classify(err error) error {
	if sent, ok := errors.AsType[*mail.SendError](err); ok {
		text := fmt.Errorf("the mail server answered %d: %w", sent.ErrorCode(), err)
		if code := sent.ErrorCode(); code >= 500 && !sent.IsTemp() {
			return notify.Permanent(text)
		}
		return text
	}
	if network, ok := errors.AsType[net.Error](err); ok && network.Timeout() {
		return fmt.Errorf("the mail server did not answer in time: %w", err)
	}
	return fmt.Errorf("reach the mail server: %w", err)
}
