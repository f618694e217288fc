// Package ratelimit bounds how often something may happen.
package ratelimit

import (
	"net/netip"
	"time"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/terms"
)

// ErrLimited is the answer to whoever does something too often; it says how long to wait.
var ErrLimited = problem.New(problem.TooMany, "request.rate_limited", "Too many requests")

// Limit allows Events at once, and as many in every Period, evenly. Limits of different names are counted apart.
type Limit struct {
	Name   string
	Events int // at least 1
	Period time.Duration
}

// Limiter counts for all replicas where Redis is configured. Without one, and while that is away, each counts in its memory:
// behind n replicas a limit is up to n times as wide then, and the keys that have been quiet for the longest are forgotten
// when there are too many.
type Limiter interface {
	// Allow counts an event of key. One that is too many is ErrLimited, and is not counted.
	Allow(l Limit, key string) error

	// Undo takes an event back that turned out not to count.
	Undo(l Limit, key string)
}

// Defaults are the rates of tenants for which neither their plan nor the operator says one.
type Defaults interface {
	// Or returns the rate that counts for a tenant, and the one for each of its API keys; a rate that is nil is the default.
	// The latter is nil when keys have none of their own.
	Or(tenant, key *terms.Rate) (terms.Rate, *terms.Rate)
}

// Source is the key of a client's address. IPv6 hosts are given whole networks of 64 bits, so those count as one.
func Source(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return network.String()
}
