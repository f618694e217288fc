package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Caches count what was not in a cache and had to be made or looked up. What was there is not counted: that takes less time
// than the counting would, and is the rest of the requests or decisions.
type Caches struct{ *prometheus.CounterVec }

// NewCaches returns counters that nobody collects yet.
func NewCaches() *Caches {
	return &Caches{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "platform_cache_misses_total", Help: "What was not in a cache and had to be made or looked up.",
	}, []string{"cache"})}
}

// Of is the counter of one cache.
func (c *Caches) Of(name string) prometheus.Counter { return c.WithLabelValues(name) }
