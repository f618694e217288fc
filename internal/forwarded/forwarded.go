// Package forwarded finds out whose request it is that came through proxies.
package forwarded

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks whose word about a client counts. Only X-Forwarded-For is read, never Forwarded (RFC 7239): a
// proxy that writes one of the two passes the other on as the client has sent it.
type Proxies struct{ networks []netip.Prefix }

// maxHops is how many proxies a request may have come through. Who needs more is not believed.
const maxHops = 32

// New takes networks such as 10.0.0.0/8 and fd00::/8, and addresses such as 192.0.2.1.
func New(networks []string) (*Proxies, error) {
	p := &Proxies{}
	for _, text := range networks {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network: %w", text, err)
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err == nil && network.Addr().Is4In6() { // no address is compared in this form
		err = errors.New("write it as a network of version 4")
	}
	return network.Masked(), err
}

// Client is the address of whoever has sent a request: the peer of the connection or, when that is one of the proxies,
// the last address in X-Forwarded-For that is not. What stands before that one is the client's own claim and is not
// looked at. A list that cannot be read, or that names proxies only, says nothing: the peer's address stays.
//
// The address has no port, and no zone unless the peer's has one. It is empty when the peer has none, as on a socket
// file.
func (p *Proxies) Client(r *http.Request) string {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	claims := r.Header["X-Forwarded-For"]
	if len(p.networks) == 0 || len(claims) == 0 {
		return peer
	}
	if addr, err := netip.ParseAddr(peer); err != nil || !p.trusts(addr) {
		return peer
	}
	if client, ok := p.behind(claims); ok {
		return client.String()
	}
	return peer
}

// behind walks from the nearest hop to the first that is no proxy of ours.
func (p *Proxies) behind(claims []string) (client netip.Addr, ok bool) {
	hops := 0
	for _, rest := range slices.Backward(claims) {
		for more := true; more; hops++ {
			hop := rest
			at := strings.LastIndexByte(rest, ',')
			if more = at >= 0; more {
				rest, hop = rest[:at], rest[at+1:]
			}
			client, ok = parseHop(hop)
			if !ok || hops >= maxHops {
				return netip.Addr{}, false
			}
			if !p.trusts(client) {
				return client, true
			}
		}
	}
	return netip.Addr{}, false
}

func (p *Proxies) trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// maxHop is longer than every address with a zone and a port.
const maxHop = 80 // bytes

// parseHop reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] and [2001:db8::1]:80, with or without a zone.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.Trim(text, " \t")
	if len(text) > maxHop {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(text)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		addr, err = netip.ParseAddr(inner[:len(inner)-1])
		if addr.Is4() {
			return netip.Addr{}, false
		}
	} else if err != nil {
		var both netip.AddrPort
		both, err = netip.ParseAddrPort(text)
		addr = both.Addr()
	}
	if err != nil || addr.IsUnspecified() || addr.IsMulticast() {
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}
