package outbound

import (
	"net/netip"
	"slices"
)

// special are the networks inside of what looks public that lead somewhere else (RFC 6890): to the inside of a
// carrier, to documentation, or to an IPv4 address that is embedded in them.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// ipv6 is all that is assigned to the public internet; the rest, NAT64 among it, is not.
var ipv6 = netip.MustParsePrefix("2000::/3")

// public tells whether an address belongs to the internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !ipv6.Contains(a) {
		return false
	}
	return !within(special, a)
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

func prefixes(all ...string) (networks []netip.Prefix) {
	for _, text := range all {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks
}
