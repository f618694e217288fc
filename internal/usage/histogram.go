package usage

import (
	"math"
	"time"

	"github.com/yourorg/platform/pkg/usage"
)

// A histogram whose buckets are everywhere the same can be added up, over replicas, hours and days. Each bucket is half as
// wide again as the one before: what is said for one is within (1.5-1)/(1.5+1) = 20 % of all that is in it.
const (
	buckets = 32
	shorter = 250 // µs: what is faster is in the first bucket
	growth  = 1.5
)

// bounds are where each bucket but the last one ends, in µs.
var bounds = func() (b [buckets - 1]int64) {
	for i := range b {
		b[i] = int64(math.Round(shorter * math.Pow(growth, float64(i))))
	}
	return b
}()

// bucketOf is the one that a duration in µs belongs to.
func bucketOf(us int64) int {
	i := 0
	for step := buckets / 2; step > 0; step /= 2 { // there are 2^5 buckets, and 2^5-1 bounds
		if us >= bounds[i+step-1] {
			i += step
		}
	}
	return i
}

// saidOf is the duration that a bucket stands for: as far from its beginning as from its end, each measured by itself.
func saidOf(bucket int) time.Duration {
	switch bucket {
	case 0:
		return time.Duration(bounds[0]) * time.Microsecond / 2
	case buckets - 1:
		return time.Duration(bounds[buckets-2]) * time.Microsecond
	}
	low, high := float64(bounds[bucket-1]), float64(bounds[bucket])
	return time.Duration(2 * low * high / (low + high) * float64(time.Microsecond))
}

// latency is what a histogram says about n requests that took sum µs together.
func latency(h *[buckets]int64, sum, n int64) usage.Latency {
	if n == 0 {
		return usage.Latency{}
	}
	var counted int64
	for _, c := range h {
		counted += c
	}
	at := func(percent int64) time.Duration {
		left := int64(math.Ceil(float64(counted) / 100 * float64(percent))) // the nearest rank
		for i := range buckets {
			if left -= h[i]; left <= 0 {
				return saidOf(i)
			}
		}
		return saidOf(buckets - 1)
	}
	return usage.Latency{Mean: time.Duration(float64(sum) / float64(n) * float64(time.Microsecond)), P50: at(50), P95: at(95), P99: at(99)}
}
