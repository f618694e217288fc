package web

import (
	"errors"
	"net/http"
	"net/netip"
)

// ErrOutbound is what a guarded client answers, wrapped, when it may not go where it was sent.
var ErrOutbound = errors.New("the address is not one that may be asked")

// Outbound asks other servers. Its clients bound how long an answer may take and how large it may be, follow few
// redirects, and can be used by several goroutines.
type Outbound interface {
	// Guarded is for addresses that anybody but the operator has chosen. It speaks https, to public addresses alone:
	// every address is looked at when the connection is made, after names are resolved, also behind a redirect. It uses
	// no proxy. What outbound.allowed_networks names is reached too.
	Guarded() *http.Client

	// Trusted is for addresses from the configuration, which may be anywhere.
	Trusted() *http.Client
}

// Loopback tells whether a host, as a URL has it, names the machine itself.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
