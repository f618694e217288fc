package email_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

const (
	username = "platform"
	password = "a secret of the mail server"
)

// server is a real mail server that keeps what it is given.
type server struct {
	mu     sync.Mutex
	mails  []string
	from   []string
	to     []string
	signed []bool // whether the sender had proved who they are
	refuse error  // of the next recipient
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct {
	*server
	authenticated bool
}

func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != username || pass != password {
			return smtp.ErrAuthFailed
		}
		s.authenticated = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = append(s.from, from)
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse; err != nil {
		s.refuse = nil
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails, s.signed = append(s.mails, string(content)), append(s.signed, s.authenticated)
	return nil
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// start runs the server, with TLS as cfg says, and returns a channel to it.
func start(t *testing.T, how string, change ...func(*email.Config)) (*server, *email.SMTP) {
	t.Helper()
	s := &server{}
	certified := httptest.NewTLSServer(nil) // for its certificate, which is for example.com and 127.0.0.1
	certified.Close()
	trust := x509.NewCertPool()
	trust.AddCert(certified.Certificate())
	back := smtp.NewServer(s)
	back.Domain, back.AllowInsecureAuth = "mail.example.com", false
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	if how != email.None {
		back.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	}
	if how == email.TLS {
		listener = tls.NewListener(listener, back.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = back.Serve(listener) }()
	t.Cleanup(func() { require.NoError(t, ended(listener.Close(), back.Close())); <-done })
	cfg := email.Config{Host: "127.0.0.1", Port: port, TLS: how}
	if how != email.None {
		cfg.Username, cfg.Password = username, password
	}
	for _, c := range change {
		c(&cfg)
	}
	return s, email.NewSMTP(cfg, email.Sender{From: "Platform <no-reply@example.com>", ReplyTo: "help@example.com"}, 10*time.Second, &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12})
}

// ended leaves out that the listener is closed twice.
func ended(errs ...error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}

func letter() notify.Rendered {
	return notify.Rendered{
		ID: uuid.New(), To: notify.Recipient{Email: "ada@example.com"}, Template: "sample.news", Locale: "en",
		Subject: "Neues für Ada", Text: "Grüße\n.\nBcc: eve@example.com\n" + strings.Repeat("long ", 300) + "\n", HTML: "<p>Grüße</p>",
		Unsubscribe: "https://app.example.com/api/v1/notifications/unsubscribe?token=" + strings.Repeat("x", 300), UnsubscribePage: "https://app.example.com/unsubscribe#token=x",
	}
}

func TestAMailServerGetsTheMail(t *testing.T) {
	t.Parallel()
	for _, how := range []string{email.StartTLS, email.TLS, email.None} {
		s, channel := start(t, how)
		l := letter()
		id, err := channel.Deliver(t.Context(), l)
		require.NoError(t, err, how)
		require.Contains(t, id, l.ID.String(), how)
		require.Equal(t, []string{"no-reply@example.com"}, s.from, how)
		require.Equal(t, []string{"ada@example.com"}, s.to, how)
		require.Equal(t, []bool{how != email.None}, s.signed, how)
		require.Len(t, s.mails, 1, how)

		read, err := mail.ReadMessage(strings.NewReader(s.mails[0]))
		require.NoError(t, err, how)
		require.Equal(t, "=?UTF-8?q?Neues_f=C3=BCr_Ada?=", read.Header.Get("Subject"), how)
		require.Equal(t, "<help@example.com>", read.Header.Get("Reply-To"), how)
		require.Equal(t, "<"+l.Unsubscribe+">", strings.Join(strings.Fields(read.Header.Get("List-Unsubscribe")), ""), how)
		require.Equal(t, "List-Unsubscribe=One-Click", read.Header.Get("List-Unsubscribe-Post"), how)
		require.Contains(t, read.Header.Get("Content-Type"), "multipart/alternative", how)
		require.Empty(t, read.Header.Get("Bcc"), how)
		for line := range strings.SplitSeq(s.mails[0], "\r\n") {
			require.LessOrEqual(t, len(line), 998, how)
		}
	}
}

func TestWhatTheServerSaysIsTemporaryOrNot(t *testing.T) {
	t.Parallel()
	s, channel := start(t, email.StartTLS)
	for name, test := range map[string]struct {
		refuse    *smtp.SMTPError
		permanent bool
		says      string
	}{
		"an unknown mailbox": {&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, true, "550"},
		"a full mailbox":     {&smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "over quota"}, false, "452"},
		"a gray list":        {&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}, false, "451"},
	} {
		s.mu.Lock()
		s.refuse = test.refuse
		s.mu.Unlock()
		_, err := channel.Deliver(t.Context(), letter())
		require.ErrorContains(t, err, test.says, name)
		require.Equal(t, test.permanent, notify.IsPermanent(err), "%s: %v", name, err)
	}
	require.Empty(t, s.mails)
}

func TestWhatTheOperatorHasToMendIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*email.Config){
		"a wrong password":          func(c *email.Config) { c.Password = "wrong" },
		"nobody listens":            func(c *email.Config) { c.Port = closedPort(t) },
		"a server without STARTTLS": func(c *email.Config) { _, plain := plainServer(t); c.Port = plain },
		"a certificate of another":  func(c *email.Config) { c.Host = "localhost" },
	} {
		s, channel := start(t, email.StartTLS, change)
		_, err := channel.Deliver(t.Context(), letter())
		require.Error(t, err, name)
		require.False(t, notify.IsPermanent(err), name)
		require.NotContains(t, err.Error(), password, name)
		require.Empty(t, s.mails, name)
	}
}

func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().(*net.TCPAddr).Port
}

func plainServer(t *testing.T) (*server, int) {
	t.Helper()
	s := &server{}
	back := smtp.NewServer(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() { defer close(done); _ = back.Serve(l) }()
	t.Cleanup(func() { require.NoError(t, ended(l.Close(), back.Close())); <-done })
	return s, l.Addr().(*net.TCPAddr).Port
}

func TestAServerThatIsSilentIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	channel := email.NewSMTP(email.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: email.None}, email.Sender{From: "a@example.com"}, 100*time.Millisecond, nil)
	_, err = channel.Deliver(t.Context(), letter())
	require.Error(t, err)
	require.False(t, notify.IsPermanent(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = channel.Deliver(ctx, letter())
	require.Error(t, err)
}

func TestWhatCannotBeAMailIsRefusedForGood(t *testing.T) {
	t.Parallel()
	s, channel := start(t, email.None)
	for name, change := range map[string]func(*notify.Rendered){
		"no address":              func(r *notify.Rendered) { r.To.Email = "" },
		"an address of two lines": func(r *notify.Rendered) { r.To.Email = "ada@example.com\r\nBcc: eve@example.com" },
		"a subject of two lines":  func(r *notify.Rendered) { r.Subject = "Hi\r\nBcc: eve@example.com" },
		"a link of two lines":     func(r *notify.Rendered) { r.Unsubscribe = "https://x\r\nBcc: eve@example.com" },
	} {
		l := letter()
		change(&l)
		_, err := channel.Deliver(t.Context(), l)
		require.True(t, notify.IsPermanent(err), name)
		require.NotContains(t, err.Error(), "eve", name)
	}
	require.Empty(t, s.mails)
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	good := email.Config{Host: "mail.example.com", Port: 587, TLS: email.StartTLS, Username: "x", Password: config.Secret("y")}
	require.NoError(t, good.Validate())
	for want, change := range map[string]func(*email.Config){
		"smtp.host must name the mail server":             func(c *email.Config) { c.Host = "" },
		"smtp.port must be from 1 to 65535":               func(c *email.Config) { c.Port = 0 },
		"smtp.tls must be starttls, tls or none":          func(c *email.Config) { c.TLS = "ssl" },
		"smtp.tls must not be none with a password":       func(c *email.Config) { c.TLS = email.None },
		"smtp.password and smtp.username need each other": func(c *email.Config) { c.Password = "" },
	} {
		cfg := good
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
}
