package ratelimit

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/terms"
)

var roomy = terms.Rate{PerSecond: maxPerSecond, Burst: maxBurst}

// BenchmarkTenantDecision is one decision in memory, of one tenant, of one of its keys as well, and of ten thousand tenants,
// beside a bucket of x/time/rate, which knows no tenants at all.
func BenchmarkTenantDecision(b *testing.B) {
	var callers [10_000]Caller
	for i := range callers {
		callers[i] = Caller{Tenant: uuid.New(), Rate: &roomy}
	}
	b.Run("one_tenant", func(b *testing.B) {
		tenants := inTheMemory(DefaultConfig())
		b.ReportAllocs()
		for b.Loop() {
			_, _ = tenants.Take(b.Context(), &callers[0])
		}
	})
	b.Run("tenant_and_key", func(b *testing.B) {
		tenants := inTheMemory(DefaultConfig())
		c := Caller{Tenant: uuid.New(), Rate: &roomy, Key: uuid.New(), KeyRate: &roomy}
		b.ReportAllocs()
		for b.Loop() {
			_, _ = tenants.Take(b.Context(), &c)
		}
	})
	b.Run("10k_tenants_parallel", func(b *testing.B) {
		tenants := inTheMemory(DefaultConfig())
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				_, _ = tenants.Take(b.Context(), &callers[i*7919%len(callers)])
			}
		})
	})
	b.Run("x_time_rate", func(b *testing.B) {
		l := rate.NewLimiter(maxPerSecond, maxBurst)
		b.ReportAllocs()
		for b.Loop() {
			l.Allow()
		}
	})
}

// BenchmarkRedisDecision is one decision in Redis on the same machine, for a tenant and for one of its keys as well, beside a
// bare GET.
func BenchmarkRedisDecision(b *testing.B) {
	_, tenants, s := onRedis(b, testbroker.Redis(b))
	b.Run("bare_get", func(b *testing.B) {
		client := s.client.Load()
		for b.Loop() {
			_ = client.Get(b.Context(), "nothing").Err()
		}
	})
	b.Run("tenant", func(b *testing.B) {
		c := Caller{Tenant: uuid.New(), Rate: &roomy}
		for b.Loop() {
			_, _ = tenants.Take(b.Context(), &c)
		}
	})
	b.Run("tenant_and_key", func(b *testing.B) {
		c := Caller{Tenant: uuid.New(), Rate: &roomy, Key: uuid.New(), KeyRate: &roomy}
		for b.Loop() {
			_, _ = tenants.Take(b.Context(), &c)
		}
	})
	require.False(b, s.away.Load())
}
