package ratelimit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/terms"
)

func inTheMemory(cfg Config) *Tenants { return NewTenants(cfg, newStore(cfg)) }

// take counts a request that can be counted.
func take(t testing.TB, tenants *Tenants, c Caller) Decision {
	t.Helper()
	d, err := tenants.Take(t.Context(), &c)
	require.NoError(t, err)
	return d
}

func TestATenantMayBurstAndThenKeepsToItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenants := inTheMemory(DefaultConfig())
		mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 4, Burst: 3}}
		for left := 2; left >= 0; left-- {
			d := take(t, tenants, mine)
			require.NoError(t, d.Err())
			require.Equal(t, Standing{left, 250 * time.Millisecond}, d.Tenant)
		}
		for range 2 { // what is refused does not count
			d := take(t, tenants, mine)
			require.Equal(t, "tenant", d.Refused)
			require.Equal(t, Standing{0, 250 * time.Millisecond}, d.Tenant)
			require.ErrorIs(t, d.Err(), ratelimit.ErrLimited)
			require.Equal(t, 250*time.Millisecond, problem.From(d.Err()).RetryAfter)
		}
		other := take(t, tenants, Caller{Tenant: uuid.New()})
		require.Equal(t, terms.Rate{PerSecond: 1000, Burst: 2000}, other.Rate, "that of the configuration")
		require.Equal(t, Standing{1999, time.Millisecond}, other.Tenant, "others do not suffer")

		time.Sleep(249 * time.Millisecond)
		require.Equal(t, time.Millisecond, take(t, tenants, mine).Wait)
		time.Sleep(time.Millisecond)
		require.Empty(t, take(t, tenants, mine).Refused)
		time.Sleep(time.Hour)
		require.Equal(t, Standing{2, 250 * time.Millisecond}, take(t, tenants, mine).Tenant, "rest is not saved up")
	})
}

func TestARateThatIsLoweredHoldsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenants := inTheMemory(DefaultConfig())
		mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 10_000}}
		for range 10_000 {
			require.Empty(t, take(t, tenants, mine).Refused)
		}
		mine.Rate = &terms.Rate{PerSecond: 10, Burst: 5}
		require.Equal(t, 100*time.Millisecond, take(t, tenants, mine).Wait, "and nobody waits hours for what was wider before")

		mine.Rate = nil
		cfg := DefaultConfig()
		cfg.Tenant = TenantRate{PerSecond: 2, Burst: 7}
		tenants.Set(cfg)
		require.Equal(t, terms.Rate{PerSecond: 2, Burst: 7}, take(t, tenants, mine).Rate)
	})
}

// A pair of buckets of tokens, of which a request takes one each or none.
func TestTenantsAgreeWithBucketsOfTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *terms.Rate {
			return &terms.Rate{PerSecond: rapid.IntRange(1, 50).Draw(t, name+" rate"), Burst: rapid.IntRange(1, 8).Draw(t, name+" burst")}
		}
		tenants := inTheMemory(DefaultConfig())
		whole, one := draw("tenant"), draw("key")
		keys := []uuid.UUID{uuid.Nil, uuid.New(), uuid.New()}
		c := Caller{Tenant: uuid.New(), Rate: whole, KeyRate: one}
		type bucket struct {
			pace
			level time.Duration
		}
		full := func(r *terms.Rate) *bucket { p := paceOf(*r); return &bucket{p, p.full} }
		buckets := map[uuid.UUID]*bucket{uuid.Nil: full(whole), keys[1]: full(one), keys[2]: full(one)}
		now := time.Duration(0)
		for i := range rapid.IntRange(1, 100).Draw(t, "requests") {
			step := time.Duration(rapid.Int64Range(0, int64(time.Second/10)).Draw(t, fmt.Sprint("step ", i)))
			now += step
			for _, b := range buckets {
				b.level = min(b.full, b.level+step)
			}
			c.Key = rapid.SampledFrom(keys).Draw(t, "key")
			d := Decision{Rate: *whole}
			need := []*bucket{buckets[uuid.Nil]}
			if c.Key != uuid.Nil {
				d.KeyRate = *one
				need = append(need, buckets[c.Key])
			}
			d.decide(tenants.take(&c, &d, now))
			var wait time.Duration
			for _, b := range need {
				wait = max(wait, b.every-b.level)
			}
			if d.Wait != wait || (d.Refused == "") != (wait == 0) {
				t.Fatalf("request %d: %+v, and the buckets ask to wait %s", i, d, wait)
			}
			if wait > 0 {
				continue
			}
			for _, b := range need {
				b.level -= b.every
			}
			if left := int(need[0].level / need[0].every); d.Tenant.Remaining != left {
				t.Fatalf("request %d: %+v, and the bucket has %d left", i, d, left)
			}
		}
	})
}

func TestAFloodOfKeysHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.MaxKeys = 160 // ten in each shard
	tenants := inTheMemory(cfg)
	calm := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 2}}
	flood := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 1000}, KeyRate: &terms.Rate{PerSecond: 1, Burst: 1}}
	require.Empty(t, take(t, tenants, calm).Refused)
	began, allowed := time.Now(), 0
	for range 5000 {
		flood.Key = uuid.New()
		if take(t, tenants, flood).Refused == "" {
			allowed++
		}
	}
	require.GreaterOrEqual(t, allowed, 1000)
	require.LessOrEqual(t, allowed, 1001+int(time.Since(began).Seconds()), "new keys do not make room: the tenant is the newest always")
	require.Empty(t, take(t, tenants, calm).Refused)
	kept := 0
	for i := range tenants.parts {
		kept += tenants.parts[i].seen.Len()
	}
	require.LessOrEqual(t, kept, cfg.MaxKeys)
}

func TestRequestsAtTheSameTimeAreCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // no time passes
		tenants := inTheMemory(DefaultConfig())
		keys := []uuid.UUID{uuid.New(), uuid.New()}
		id := uuid.New()
		var allowed [2]atomic.Int64
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				d, err := tenants.Take(t.Context(), &Caller{
					Tenant: id, Rate: &terms.Rate{PerSecond: 1, Burst: 50}, Key: keys[i%2], KeyRate: &terms.Rate{PerSecond: 1, Burst: 30},
				})
				if err == nil && d.Refused == "" {
					allowed[i%2].Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 50, allowed[0].Load()+allowed[1].Load())
		require.LessOrEqual(t, allowed[0].Load(), int64(30))
		require.LessOrEqual(t, allowed[1].Load(), int64(30))
	})
}

func TestADecisionAllocatesNothing(t *testing.T) {
	tenants := inTheMemory(DefaultConfig())
	c := Caller{Tenant: uuid.New(), Key: uuid.New(), KeyRate: &terms.Rate{PerSecond: 1000, Burst: 1000}}
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = tenants.Take(ctx, &c) }))
}
