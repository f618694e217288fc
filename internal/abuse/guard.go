// Package abuse tells clients that ask too fast from the others, in the memory of one replica.
package abuse

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/yourorg/platform/internal/cells"
)

// MaxClients is how many clients a guard remembers. Of more it forgets those first that it has not seen for the longest:
// within one of its shards, which share the clients by chance.
const MaxClients = 100_000

const shards = 16

// Guard follows the generic cell rate algorithm (ITU-T I.371): of each client it keeps one number, the time at which all
// that it has asked will have drained. Times are those of the monotonic clock, so that a clock that is set does not
// matter. To decide about a client that it knows, it allocates nothing.
type Guard struct {
	pace  atomic.Pointer[pace]
	start time.Time
	seed  maphash.Seed // so that nobody can choose addresses that fall into one shard
	parts [shards]shard
}

type pace struct {
	every time.Duration // one request each
	burst time.Duration // how far ahead a client may be
}

// New returns a guard that has seen nobody.
func New(cfg Config) *Guard { return sized(cfg, MaxClients) }

func sized(cfg Config, clients int) *Guard {
	g := &Guard{start: time.Now(), seed: maphash.MakeSeed()}
	for i := range g.parts {
		g.parts[i].seen = cells.New[uint64](clients / shards)
	}
	g.Set(cfg)
	return g
}

// Set changes the rate and the burst. What was counted stays counted, as far as there is room for it in the new burst.
func (g *Guard) Set(cfg Config) {
	every := time.Second / time.Duration(cfg.Rate)
	burst := every * time.Duration(cfg.Burst)
	g.pace.Store(&pace{every: every, burst: burst})
	most := time.Since(g.start) + burst
	for i := range g.parts {
		g.parts[i].limit(most)
	}
}

// Allow counts a request of a client. 0 lets it through; otherwise it is not counted, and would be allowed after the
// time that is returned. What has no valid address is one client.
func (g *Guard) Allow(client netip.Addr) (wait time.Duration) {
	return g.allow(source(client), time.Since(g.start))
}

func (g *Guard) allow(client uint64, now time.Duration) time.Duration {
	part := &g.parts[shardOf(g, client)]
	part.mu.Lock()
	defer part.mu.Unlock()
	pace := g.pace.Load() // within the lock: nobody adds to a cell by the pace before once Set has been there
	drained := part.seen.At(part.seen.Use(client))
	next := max(*drained, now) + pace.every
	if wait := next - pace.burst - now; wait > 0 {
		return wait
	}
	*drained = next
	return 0
}

func shardOf(g *Guard, client uint64) uint64 { return maphash.Comparable(g.seed, client) % shards }

// Clients is how many clients the guard remembers.
func (g *Guard) Clients() (n int) {
	for i := range g.parts {
		n += g.parts[i].size()
	}
	return n
}

// source is the network of 64 bits that an IPv6 host is given. Those of version 4 follow 32 ones: as one of version 6
// that would be a network for multicast, which is nobody's address.
func source(client netip.Addr) uint64 {
	client = client.Unmap()
	switch {
	case client.Is4():
		four := client.As4()
		return 0xffff_ffff<<32 | uint64(binary.BigEndian.Uint32(four[:]))
	case client.Is6():
		sixteen := client.As16()
		return binary.BigEndian.Uint64(sixteen[:])
	}
	return 0xff << 56 // multicast as well
}
