package usage

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// error20 is (growth-1)/(growth+1), and what rounding the bounds to microseconds adds.
const error20 = 0.2005

func TestPercentilesAreWithinAFifthOfTheTrueOnes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int64 { // as many short ones as long ones
			return int64(shorter * math.Exp(rapid.Float64Range(0, math.Log(47e6/shorter)).Draw(t, "log")))
		}), 1, 300).Draw(t, "took")
		var h, part tally
		var sum int64
		for i, us := range took {
			sum += us
			if i%2 == 0 {
				h.latency[bucketOf(us)]++
			} else {
				part.latency[bucketOf(us)]++
			}
		}
		h.add(&part)
		n := int64(len(took))
		got := latency(&h.latency, sum, n)
		require.InDelta(t, float64(sum)/float64(n), float64(got.Mean)/1000, 1)
		slices.Sort(took)
		for percent, said := range map[float64]time.Duration{50: got.P50, 95: got.P95, 99: got.P99} {
			rank := int(math.Ceil(float64(n) / 100 * percent))
			require.InEpsilon(t, took[rank-1], float64(said)/1000, error20, "p%v", percent)
		}
	})
}

func TestEveryDurationHasItsBucket(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, bucketOf(0))
	require.Equal(t, 0, bucketOf(249))
	require.Equal(t, 1, bucketOf(250))
	require.Equal(t, buckets-1, bucketOf(bounds[buckets-2]))
	require.Equal(t, buckets-1, bucketOf(math.MaxInt64))
	require.Greater(t, saidOf(buckets-1), 47*time.Second)
	for i := 1; i < buckets-1; i++ {
		require.Equal(t, i, bucketOf(saidOf(i).Microseconds()), "what a bucket says is in it")
	}
	require.Zero(t, latency(&[buckets]int64{}, 0, 0))
}
