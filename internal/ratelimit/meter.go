package ratelimit

import "github.com/prometheus/client_golang/prometheus"

// scope is what kind of limit an event was held against.
type scope int

const (
	caller scope = iota // of a tenant and its keys
	public              // of operations that need no sign-in
	named               // of whatever else
)

// place is where it was counted.
type place int

const (
	inMemory place = iota
	inRedis
	nowhere // Redis is away, and ratelimit.on_error is allow or deny
)

type result int

const (
	allowed result = iota
	refused
)

// meter has one counter for each combination at hand, so that counting costs no search.
type meter struct {
	total    *prometheus.CounterVec
	counters [3][3][2]prometheus.Counter
	fallback prometheus.Gauge
}

func newMeter() *meter {
	m := &meter{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_ratelimit_decisions_total", Help: "Events held against a rate limit.",
		}, []string{"limit", "store", "outcome"}),
		fallback: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "platform_ratelimit_fallback", Help: "1 while Redis does not count and this replica has to do without it.",
		}),
	}
	for what, limit := range []string{"caller", "public", "named"} {
		for where, store := range []string{"memory", "redis", "none"} {
			for how, outcome := range []string{"allowed", "refused"} {
				m.counters[what][where][how] = m.total.WithLabelValues(limit, store, outcome)
			}
		}
	}
	return m
}

func (m *meter) count(what scope, where place, how result) { m.counters[what][where][how].Inc() }

// Describe implements prometheus.Collector.
func (m *meter) Describe(out chan<- *prometheus.Desc) {
	m.total.Describe(out)
	m.fallback.Describe(out)
}

// Collect implements prometheus.Collector.
func (m *meter) Collect(out chan<- prometheus.Metric) {
	m.total.Collect(out)
	m.fallback.Collect(out)
}
