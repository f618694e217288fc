package ratelimit

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/terms"
)

func settings(b *testbroker.Broker) redis.Config {
	return redis.Config{URL: config.URL("redis://" + b.Addr), Prefix: "test"}
}

// patient waits for a machine that is busy with other tests, so that Redis is not held to be away.
func patient() Config {
	cfg := DefaultConfig()
	cfg.Timeout = 5 * time.Second
	return cfg
}

// onRedis is a replica.
func onRedis(t testing.TB, b *testbroker.Broker) (*Limiter, *Tenants, *Store) {
	t.Helper()
	return replica(t, b, patient(), zap.NewNop())
}

func replica(t testing.TB, b *testbroker.Broker, cfg Config, log *zap.Logger) (*Limiter, *Tenants, *Store) {
	t.Helper()
	s, err := NewStore(cfg, settings(b), log)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return limiterOn(s, cfg), NewTenants(cfg, s), s
}

// measured is how many decisions a place has made, or the gauge of the fallback when it has no name.
func measured(t *testing.T, s *Store, place string) (sum float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(s))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if place == "" && f.GetName() == "platform_ratelimit_fallback" {
				return m.GetGauge().GetValue()
			}
			for _, label := range m.GetLabel() {
				if label.GetName() == "store" && label.GetValue() == place {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

func TestTheStoresAgree(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		conforms(t, New(patient()), inTheMemory(patient()))
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		l, tenants, s := onRedis(t, testbroker.Redis(t))
		conforms(t, l, tenants)
		require.False(t, s.away.Load())
		require.Zero(t, measured(t, s, "memory"))
		require.Positive(t, measured(t, s, "redis"))
	})
}

// conforms is what limits do wherever they are counted.
func conforms(t *testing.T, l *Limiter, tenants *Tenants) {
	t.Helper()
	daily := ratelimit.Limit{Name: "daily", Events: 3, Period: 24 * time.Hour}
	for _, key := range []string{"a", "", "b:c", "{b}", "*", strings.Repeat("x", 10_000), "\x00\r\n"} {
		for range 3 {
			require.NoError(t, l.Allow(daily, key), "%q", key)
		}
		for range 2 {
			err := l.Allow(daily, key)
			require.ErrorIs(t, err, ratelimit.ErrLimited, "%q", key)
			require.InDelta(t, 8*time.Hour, problem.From(err).RetryAfter, float64(time.Minute))
		}
	}
	other := daily
	other.Name = "dailya" // and the key is empty: no other limit's key "a"
	require.NoError(t, l.Allow(other, ""))
	l.Undo(daily, "a")
	require.NoError(t, l.Allow(daily, "a"))
	require.Error(t, l.Allow(daily, "a"))
	l.Undo(daily, "nobody")
	for range 3 {
		require.NoError(t, l.Allow(daily, "nobody"), "what was not counted cannot be taken back")
	}
	require.Error(t, l.Allow(daily, "nobody"))
	require.ErrorContains(t, l.Allow(ratelimit.Limit{Name: "none"}, "a"), "allows nothing")

	began := time.Now()
	drained := func() int { return int(time.Since(began).Seconds()) + 1 } // at one a second
	mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 2000}, KeyRate: &terms.Rate{PerSecond: 1, Burst: 500}}
	one, two := mine, mine
	one.Key, two.Key = uuid.New(), uuid.New()
	for range 500 {
		require.Empty(t, take(t, tenants, one).Refused)
	}
	refusals := 0
	for range 200 {
		d := take(t, tenants, one)
		if d.Refused == "" { // a second has passed
			continue
		}
		refusals++
		require.Equal(t, "key", d.Refused)
		require.LessOrEqual(t, d.Wait, time.Second)
		require.Equal(t, 0, d.Key.Remaining)
		require.GreaterOrEqual(t, d.Tenant.Remaining, 1500-drained(), "what the key is refused does not count for the tenant")
	}
	require.GreaterOrEqual(t, refusals, 200-drained())
	d := take(t, tenants, two)
	require.Empty(t, d.Refused, "another key of the tenant")
	require.GreaterOrEqual(t, d.Key.Remaining, 499)
	require.LessOrEqual(t, d.Tenant.Remaining, 1499+drained())
	for range 1600 {
		take(t, tenants, mine) // without a key
	}
	d = take(t, tenants, mine)
	for until := 0; d.Refused == "" && until < 100; until++ {
		d = take(t, tenants, mine)
	}
	require.Equal(t, "tenant", d.Refused)
	before := d
	d = take(t, tenants, two)
	if d.Refused != "" {
		require.Equal(t, "tenant", d.Refused, "%+v %+v", before, d)
		require.GreaterOrEqual(t, d.Key.Remaining, 499, "nor the other way round")
	}
	require.Empty(t, take(t, tenants, Caller{Tenant: uuid.New(), Key: one.Key, KeyRate: one.KeyRate}).Refused, "another tenant")
}

func TestReplicasShareALimit(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	var limiters [2]*Limiter
	var tenants [2]*Tenants
	for i := range limiters {
		limiters[i], tenants[i], _ = onRedis(t, b)
	}
	daily := ratelimit.Limit{Name: "daily", Events: 1000, Period: 24 * time.Hour}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 500 {
				if limiters[i%2].Allow(daily, "a") == nil {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1000, allowed.Load(), "of 4000")

	// As many as can be for two seconds and more, which ends when there is no room left.
	mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 400, Burst: 400}}
	began := time.Now()
	var count [2]atomic.Int64
	for i := range 2 {
		all.Go(func() {
			for {
				d, err := tenants[i].Take(context.Background(), &mine)
				if err == nil && d.Refused == "" {
					count[i].Add(1)
				} else if err != nil || time.Since(began) > 2*time.Second {
					return
				}
			}
		})
	}
	all.Wait()
	elapsed := time.Since(began)
	want := 400 + 400*elapsed.Seconds()
	require.InEpsilon(t, want, float64(count[0].Load()+count[1].Load()), 0.02, "in %s: %d and %d", elapsed, count[0].Load(), count[1].Load())
	require.Positive(t, count[0].Load())
	require.Positive(t, count[1].Load())
}

func TestRedisKeepsNothingForLong(t *testing.T) {
	t.Parallel()
	l, tenants, s := onRedis(t, testbroker.Redis(t))
	client := s.client.Load()
	require.NoError(t, l.Allow(ratelimit.Limit{Name: "hourly", Events: 2, Period: time.Hour}, "somebody@example.com"))
	mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 100}, Key: uuid.New(), KeyRate: &terms.Rate{PerSecond: 1, Burst: 50}}
	take(t, tenants, mine)
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 3)
	for _, key := range keys {
		require.NotContains(t, key, "somebody", "a key may be somebody's address")
		ttl, err := client.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Positive(t, ttl, key)
		require.LessOrEqual(t, ttl, 30*time.Minute, key)
	}
	require.Contains(t, keys, fmt.Sprintf("{test:%s}:rate", mine.Tenant))
	require.Contains(t, keys, fmt.Sprintf("{test:%s}:rate:%s", mine.Tenant, mine.Key))
	l.Undo(ratelimit.Limit{Name: "hourly", Events: 2, Period: time.Hour}, "somebody@example.com")
	for _, key := range keys {
		ttl, err := client.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.NotEqual(t, -time.Nanosecond, ttl, "what is taken back still goes by itself")
	}
}

// What is in Redis may be anything: a server that lost its scripts, a clock that was set back, somebody else's value.
func TestWhatRedisHoldsIsNotTrusted(t *testing.T) {
	t.Parallel()
	l, tenants, s := onRedis(t, testbroker.Redis(t))
	client := s.client.Load()
	mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 10, Burst: 10}}
	take(t, tenants, mine)
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	require.NoError(t, l.Allow(ratelimit.Limit{Name: "hourly", Events: 2, Period: time.Hour}, "a"))
	l.Undo(ratelimit.Limit{Name: "hourly", Events: 2, Period: time.Hour}, "a")
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	require.Empty(t, take(t, tenants, mine).Refused)
	require.False(t, s.away.Load(), "scripts are sent again")

	key := s.tenantKey(mine.Tenant)
	for name, value := range map[string]string{"a clock that was far ahead": "9e18", "text": "x", "no number": "nan", "a negative number": "-1e30"} {
		require.NoError(t, client.Set(t.Context(), key, value, time.Hour).Err())
		d := take(t, tenants, mine)
		require.True(t, d.Counted, name)
		require.LessOrEqual(t, d.Wait, 100*time.Millisecond, name)
	}
	require.False(t, s.away.Load())
	require.NoError(t, client.Del(t.Context(), key).Err())
	require.NoError(t, client.LPush(t.Context(), key, "a list").Err())
	require.True(t, take(t, tenants, mine).Counted, "in memory")
	require.True(t, s.away.Load(), "a script that fails is a Redis that does not count")
}

func TestARedisThatGoesAwaySlowsNobodyAndIsUsedAgain(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"killed", "hanging"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := testbroker.Redis(t)
			cfg := DefaultConfig()
			cfg.Timeout = time.Second
			core, lines := observer.New(zap.InfoLevel)
			l, tenants, s := replica(t, b, cfg, zap.New(core))
			mine := Caller{Tenant: uuid.New(), Rate: &terms.Rate{PerSecond: 1, Burst: 1000}}
			daily := ratelimit.Limit{Name: "daily", Events: 2, Period: 24 * time.Hour}
			require.Equal(t, 999, take(t, tenants, mine).Tenant.Remaining)
			require.NoError(t, l.Allow(daily, "a"))
			require.False(t, s.away.Load())

			b.Kill()
			silent := func() {}
			if how == "hanging" {
				silent = hang(t, b.Addr)
			}
			require.Equal(t, 999, take(t, tenants, mine).Tenant.Remaining, "this replica has counted nothing yet")
			require.True(t, s.away.Load())
			began := time.Now()
			for range 900 {
				require.Empty(t, take(t, tenants, mine).Refused)
				require.Less(t, time.Since(began), 20*time.Second, "no request waits for a Redis that is away: each would take a second")
			}
			require.NoError(t, l.Allow(daily, "a"))
			l.Undo(daily, "a")
			require.NoError(t, l.Allow(daily, "a"))
			require.NoError(t, l.Allow(daily, "a"))
			require.ErrorIs(t, l.Allow(daily, "a"), ratelimit.ErrLimited)
			require.InDelta(t, 1, measured(t, s, ""), 0)
			require.Len(t, lines.TakeAll(), 1, "it is said once")

			for _, tt := range []struct {
				onError string
				refused bool
			}{{onErrorAllow, false}, {onErrorDeny, true}, {onErrorMemory, false}} {
				cfg.OnError = tt.onError
				tenants.Set(cfg)
				d, err := tenants.Take(t.Context(), &mine)
				require.Equal(t, tt.refused, err != nil, tt.onError)
				require.Equal(t, tt.onError == onErrorMemory, d.Counted, tt.onError)
				require.Empty(t, d.Refused)
				if err != nil {
					require.Equal(t, problem.Unavailable, problem.From(err).Kind)
				}
			}
			require.ErrorIs(t, l.Allow(daily, "a"), ratelimit.ErrLimited, "whoever guesses passwords is not let alone")

			silent()
			b.Start(t)
			back := time.Now()
			for s.away.Load() {
				require.Less(t, time.Since(back), 10*time.Second) // a second, on a machine that has nothing else to do
				<-time.After(5 * time.Millisecond)
			}
			require.Equal(t, 999, take(t, tenants, mine).Tenant.Remaining, "the server has forgotten all")
			require.Equal(t, 998, take(t, tenants, mine).Tenant.Remaining)
			require.False(t, s.away.Load())
			require.Zero(t, measured(t, s, ""))
			require.Len(t, lines.TakeAll(), 1)
			t.Logf("back after %s", time.Since(back))
		})
	}
}

// hang accepts connections at an address and never answers, until it is told to stop.
func hang(t *testing.T, addr string) (stop func()) {
	t.Helper()
	var listener net.Listener
	for { // the port may be held for a moment more
		var err error
		if listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", addr); err == nil {
			break
		}
		require.NoError(t, t.Context().Err())
		<-time.After(5 * time.Millisecond)
	}
	var open []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open = append(open, conn)
		}
	}()
	return func() {
		_ = listener.Close()
		<-done
		for _, conn := range open {
			_ = conn.Close()
		}
	}
}

func TestAStoreThatCannotBeIsAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Store = storeRedis
	_, err := NewStore(cfg, redis.DefaultConfig(), zap.NewNop())
	require.ErrorContains(t, err, "ratelimit.store: redis.url is not set")
	for store, configured := range map[string]bool{storeAuto: false, storeMemory: true} {
		cfg.Store = store
		r := redis.DefaultConfig()
		if configured {
			r.URL = "redis://127.0.0.1:1/0"
		}
		s, err := NewStore(cfg, r, zap.NewNop())
		require.NoError(t, err)
		require.False(t, s.shared())
		require.NoError(t, s.Close())
	}
}
