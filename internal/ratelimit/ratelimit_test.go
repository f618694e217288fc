package ratelimit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
)

var ten = ratelimit.Limit{Name: "ten", Events: 10, Period: time.Minute}

func newLimiter(maxKeys int) *Limiter {
	cfg := DefaultConfig()
	cfg.MaxKeys = maxKeys
	return New(cfg)
}

func TestALimitAllowsABurstAndThenDrainsEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		for range 10 {
			require.NoError(t, l.Allow(ten, "a"))
		}
		for range 3 { // being refused costs nothing
			err := l.Allow(ten, "a")
			require.ErrorIs(t, err, ratelimit.ErrLimited)
			require.Equal(t, 6*time.Second, problem.From(err).RetryAfter)
		}
		require.NoError(t, l.Allow(ten, "b"), "another key")
		require.NoError(t, l.Allow(ratelimit.Limit{Name: "other", Events: 10, Period: time.Minute}, "a"), "another limit")
		time.Sleep(6 * time.Second)
		require.NoError(t, l.Allow(ten, "a"))
		require.Error(t, l.Allow(ten, "a"))
		l.Undo(ten, "a")
		require.NoError(t, l.Allow(ten, "a"))
		l.Undo(ten, "nobody")
		time.Sleep(time.Hour)
		for range 10 {
			require.NoError(t, l.Allow(ten, "a"))
		}
		require.Error(t, l.Allow(ten, "a"), "rest is not saved up")
	})
}

func TestWhatHasBeenQuietForTheLongestIsForgotten(t *testing.T) {
	t.Parallel()
	l := newLimiter(3)
	one := ratelimit.Limit{Name: "one", Events: 1, Period: time.Hour}
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, l.Allow(one, key))
	}
	require.NoError(t, l.Allow(one, "d"))
	require.Equal(t, 3, l.seen.Len())
	require.Error(t, l.Allow(one, "b"))
	require.NoError(t, l.Allow(one, "a"), "it was forgotten")
}

func TestParallelEventsAreCountedOnce(t *testing.T) {
	t.Parallel()
	l := newLimiter(10)
	slow := ratelimit.Limit{Name: "slow", Events: 30, Period: 24 * time.Hour}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if l.Allow(slow, "a") == nil {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 30, allowed.Load())
}

func TestALimitThatAllowsNothingIsAMistake(t *testing.T) {
	t.Parallel()
	l := newLimiter(1)
	for _, limit := range []ratelimit.Limit{{Name: "a"}, {Name: "a", Events: -1, Period: time.Minute}, {Name: "a", Events: 10, Period: 1}} {
		err := l.Allow(limit, "x")
		require.ErrorContains(t, err, "allows nothing")
		require.NotErrorIs(t, err, ratelimit.ErrLimited)
		l.Undo(limit, "x")
	}
}

// In any stretch of time no more is allowed than the burst and what drains meanwhile.
func TestNoStretchOfTimeSeesMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := ratelimit.Limit{
			Name: "any", Events: rapid.IntRange(1, 20).Draw(t, "events"),
			Period: time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second,
		}
		l := newLimiter(100)
		each := limit.Period / time.Duration(limit.Events)
		var elapsed time.Duration
		allowed := 0
		for i := range rapid.IntRange(1, 100).Draw(t, "calls") {
			step := time.Duration(rapid.Int64Range(0, int64(limit.Period)).Draw(t, fmt.Sprint("step ", i)))
			elapsed += step
			l.start = l.start.Add(-step) // as if so much time had passed
			if l.Allow(limit, "a") == nil {
				allowed++
			}
			// The test itself takes time too, of which a second is more than enough.
			most := limit.Events + int((elapsed+time.Second)/each) + 1
			if allowed > most {
				t.Fatalf("%d events in %s, at most %d", allowed, elapsed, most)
			}
		}
	})
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for want, change := range map[string]func(*Config){
		"public_per_minute must be between 1":        func(c *Config) { c.PublicPerMinute = 0 },
		"max_keys must be at least 1":                func(c *Config) { c.MaxKeys = 0 },
		"tenant.per_second must be between 1":        func(c *Config) { c.Tenant.PerSecond = 0 },
		"tenant.burst must be between 1":             func(c *Config) { c.Tenant.Burst = 0 },
		"key.per_second must be between 0":           func(c *Config) { c.Key.PerSecond = -1 },
		"key.burst must be between 1":                func(c *Config) { c.Key.PerSecond = 5 },
		"key.burst must be between 0":                func(c *Config) { c.Key.Burst = -1 },
		"store must be auto, memory or redis":        func(c *Config) { c.Store = "disk" },
		"timeout must be between 1ms and 5s":         func(c *Config) { c.Timeout = 0 },
		"on_error must be memory, allow or deny":     func(c *Config) { c.OnError = "" },
		"tenant.per_second must be between 1 and 10": func(c *Config) { c.Tenant.PerSecond = 1_000_001 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
}

func TestLimitsChangeWhileTheyCount(t *testing.T) {
	t.Parallel()
	cfg := func(perMinute, keys int) Config {
		c := DefaultConfig()
		c.PublicPerMinute, c.MaxKeys = perMinute, keys
		return c
	}
	l := New(cfg(2, 10))
	from := func(ip string) error {
		_, _, err := l.Public(t.Context(), "login", ip)
		return err
	}
	for range 2 {
		require.NoError(t, from("192.0.2.1"))
	}
	require.ErrorIs(t, from("192.0.2.1"), ratelimit.ErrLimited)
	l.Set(cfg(1000, 10))
	for range 100 {
		require.NoError(t, from("192.0.2.2"))
	}
	l.Set(cfg(1, 10))
	require.ErrorIs(t, from("192.0.2.1"), ratelimit.ErrLimited, "what was counted stays counted")

	for i := range 10 {
		require.NoError(t, from(fmt.Sprintf("198.51.100.%d", i)))
	}
	l.Set(cfg(1, 3))
	require.Equal(t, 3, l.seen.Len())
	require.ErrorIs(t, from("198.51.100.9"), ratelimit.ErrLimited, "the newest are kept")
	require.NoError(t, from("198.51.100.0"))
	require.Equal(t, 3, l.seen.Len())
}
