// Package outbound asks other servers, and keeps those who may choose an address from reaching the inside of the network.
package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/web"
)

const maxRedirects = 5

// Outbound has the two clients.
type Outbound struct {
	cfg     Config
	plain   bool // whether http may be spoken to this machine
	allowed []netip.Prefix

	guarded, trusted *http.Client
}

var _ web.Outbound = (*Outbound)(nil)

// New makes clients that connect when they are used.
func New(cfg Config, env config.Environment) (*Outbound, error) {
	allowed, err := cfg.networks()
	if err != nil {
		return nil, err
	}
	o := &Outbound{cfg: cfg, plain: env != config.Production, allowed: allowed}
	guard := transport(&net.Dialer{Timeout: cfg.Timeout, Control: o.control})
	guard.Proxy = nil // it would resolve the names itself, on the inside
	o.guarded = o.client(schemes{next: traced{next: guard, bare: true}, ok: o.scheme})
	o.trusted = o.client(traced{next: transport(&net.Dialer{Timeout: cfg.Timeout})})
	return o, nil
}

// Guarded implements web.Outbound.
func (o *Outbound) Guarded() *http.Client { return o.guarded }

// Trusted implements web.Outbound.
func (o *Outbound) Trusted() *http.Client { return o.trusted }

// Close ends the connections that are kept for the next request.
func (o *Outbound) Close() {
	o.guarded.CloseIdleConnections()
	o.trusted.CloseIdleConnections()
}

func transport(d *net.Dialer) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext, t.MaxResponseHeaderBytes, t.MaxIdleConns, t.IdleConnTimeout = d.DialContext, 64<<10, 20, 30*time.Second
	return t
}

func (o *Outbound) client(next http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout: o.cfg.Timeout, Transport: limits{next: next, most: o.cfg.MaxBodyBytes},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}

// control is asked about the address of every connection, when names have become numbers: a name that has another
// address the second time changes nothing.
func (o *Outbound) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", web.ErrOutbound, err)
	}
	if a := at.Addr().Unmap().WithZone(""); !public(a) && !within(o.allowed, a) {
		return web.ErrOutbound
	}
	return nil
}

// scheme accepts https; and http to this machine itself, for a developer.
func (o *Outbound) scheme(r *http.Request) error {
	host := r.URL.Hostname()
	if r.URL.Scheme == "https" || r.URL.Scheme == "http" && o.plain && web.Loopback(host) {
		return nil
	}
	return fmt.Errorf("%w: the scheme is not https", web.ErrOutbound)
}

// schemes looks at every request, redirected ones too.
type schemes struct {
	next http.RoundTripper
	ok   func(*http.Request) error
}

func (s schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := s.ok(r); err != nil {
		return nil, err
	}
	return s.next.RoundTrip(r)
}

func (s schemes) CloseIdleConnections() { closeIdle(s.next) }

// limits cuts off an answer that is too long, with an error.
type limits struct {
	next http.RoundTripper
	most int64
}

func (l limits) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, l.most)
	}
	return answer, err
}

func (l limits) CloseIdleConnections() { closeIdle(l.next) }

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
