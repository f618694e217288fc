package abuse

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAClientMayBurstAndThenKeepsToTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := New(Config{Rate: 10, Burst: 3})
		fast, calm := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for range 3 {
			require.Zero(t, g.Allow(fast))
		}
		require.Equal(t, 100*time.Millisecond, g.Allow(fast))
		require.Equal(t, 100*time.Millisecond, g.Allow(fast), "what is refused does not count")
		require.Zero(t, g.Allow(calm), "others do not suffer")

		time.Sleep(99 * time.Millisecond)
		require.Equal(t, time.Millisecond, g.Allow(fast))
		time.Sleep(time.Millisecond)
		require.Zero(t, g.Allow(fast))
		require.NotZero(t, g.Allow(fast))

		time.Sleep(time.Hour)
		for range 3 {
			require.Zero(t, g.Allow(fast))
		}
		require.NotZero(t, g.Allow(fast), "rest is not saved up")
	})
}

func TestWhoHasAskedForMoreThanANewBurstWaitsForThatOnly(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]Config{
		"a higher rate":  {Rate: 100, Burst: 200},
		"a lower burst":  {Rate: 1, Burst: 2},
		"both":           {Rate: 50, Burst: 1},
		"the same again": {Rate: 1, Burst: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Rate: 1, Burst: 200})
				client := netip.MustParseAddr("192.0.2.1")
				for range 200 {
					require.Zero(t, g.Allow(client))
				}
				g.Set(next)
				every := time.Second / time.Duration(next.Rate)
				require.Equal(t, every, g.Allow(client), "its debt is the new burst, and no less")
				time.Sleep(every)
				require.Zero(t, g.Allow(client))
				require.Equal(t, every, g.Allow(client), "it has not got more than its turn")
				time.Sleep(time.Duration(next.Burst) * every)
				for range next.Burst {
					require.Zero(t, g.Allow(client))
				}
				require.NotZero(t, g.Allow(client))
			})
		})
	}
}

func TestWhoIsOneClient(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		one, other string
		same       bool
	}{
		"two addresses of version 4":                 {"192.0.2.1", "192.0.2.2", false},
		"one of version 4 written as one of 6":       {"192.0.2.1", "::ffff:192.0.2.1", true},
		"two hosts of a network of version 6":        {"2001:db8::1", "2001:db8::ffff:1:2:3", true},
		"two networks of version 6":                  {"2001:db8::1", "2001:db8:0:1::1", false},
		"two zones":                                  {"fe80::1%eth0", "fe80::1%eth1", true},
		"version 4 and a network with the same bits": {"192.0.2.1", "::c000:201:0:0:0:0", false},
		"the loopback addresses":                     {"127.0.0.1", "::1", false},
	} {
		require.Equal(t, tt.same, source(netip.MustParseAddr(tt.one)) == source(netip.MustParseAddr(tt.other)), name)
	}
	require.NotEqual(t, source(netip.Addr{}), source(netip.MustParseAddr("::1")), "no address")
}

// In any stretch of time no more is allowed than the burst and what drains meanwhile, and nothing less.
func TestTheGuardAgreesWithABucketOfTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Rate: rapid.IntRange(1, 1000).Draw(t, "rate"), Burst: rapid.IntRange(1, 50).Draw(t, "burst")}
		g := New(cfg)
		every := time.Second / time.Duration(cfg.Rate)
		full := every * time.Duration(cfg.Burst)
		level, now := full, time.Duration(0)
		for i := range rapid.IntRange(1, 200).Draw(t, "requests") {
			step := time.Duration(rapid.Int64Range(0, int64(2*every)).Draw(t, fmt.Sprint("step ", i)))
			now, level = now+step, min(full, level+step)
			want := max(0, every-level)
			if want == 0 {
				level -= every
			}
			if got := g.allow(1, now); got != want {
				t.Fatalf("request %d at %s: wait %s, want %s", i, now, got, want)
			}
		}
	})
}

func TestMoreClientsThanAreRememberedForgetTheOldest(t *testing.T) {
	t.Parallel()
	const seen = 3 * MaxClients
	var before, after runtime.MemStats
	g := New(Config{Rate: 1, Burst: 1})
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range uint64(seen) {
		g.allow(i, 0)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, g.Clients(), MaxClients)
	require.Greater(t, g.Clients(), MaxClients*99/100)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20), "bytes")

	// The shards share the clients by chance, within a few hundred: the newest 90 % are there, the oldest half is not.
	for i := uint64(seen - MaxClients*9/10); i < seen; i++ {
		if g.allow(i, 0) == 0 {
			t.Fatalf("%d is one of the newest", i)
		}
	}
	for i := range uint64(seen / 2) {
		if _, remembered := g.parts[shardOf(g, i)].seen.Find(i); remembered {
			t.Fatalf("%d is one of the oldest", i)
		}
	}
	require.Zero(t, g.allow(0, 0), "who was forgotten begins anew")
	runtime.KeepAlive(g)
}

func TestRequestsAtTheSameTimeAreCountedOnce(t *testing.T) {
	t.Parallel()
	g := New(Config{Rate: 1, Burst: 30})
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if g.allow(1, 0) == 0 {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 30, allowed.Load())
}

func TestADecisionAllocatesNothing(t *testing.T) {
	g := New(DefaultConfig())
	client := netip.MustParseAddr("2001:db8::1")
	require.Zero(t, testing.AllocsPerRun(1000, func() { g.Allow(client) }))
}

func TestAFloodIsToldOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tally Tally
		require.Equal(t, 1, tally.Add())
		for range 1000 {
			require.Zero(t, tally.Add())
		}
		time.Sleep(time.Second)
		require.Equal(t, 1001, tally.Add())
		require.Zero(t, tally.Add())
	})
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	require.ErrorContains(t, Config{Rate: 0, Burst: 1}.Validate(), "rate must be between 1 and 1000000")
	require.ErrorContains(t, Config{Rate: 1, Burst: 0}.Validate(), "burst must be between 1 and 1000000")
}
