package abuse

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/time/rate"
)

// BenchmarkAllow is one decision, of one client and of as many as are remembered, beside a bucket of x/time/rate, which
// knows no clients at all.
func BenchmarkAllow(b *testing.B) {
	roomy := Config{Rate: 1_000_000, Burst: 1_000_000}
	clients := make([]netip.Addr, MaxClients)
	for i := range clients {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], 10<<24|uint32(i))
		clients[i] = netip.AddrFrom4(four)
	}
	b.Run("one_client", func(b *testing.B) {
		g := New(roomy)
		b.ReportAllocs()
		for b.Loop() {
			g.Allow(clients[0])
		}
	})
	b.Run("100k_clients", func(b *testing.B) {
		g := New(roomy)
		for _, c := range clients {
			g.Allow(c)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			g.Allow(clients[i*7919%MaxClients])
		}
	})
	b.Run("100k_clients_parallel", func(b *testing.B) {
		g := New(roomy)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				g.Allow(clients[i*7919%MaxClients])
			}
		})
	})
	b.Run("x_time_rate", func(b *testing.B) {
		l := rate.NewLimiter(1_000_000, 1_000_000)
		b.ReportAllocs()
		for b.Loop() {
			l.Allow()
		}
	})
}
