package quota

import (
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	taken     prometheus.Counter
	unchecked prometheus.Counter
	failures  prometheus.Counter
}

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return metrics{
		taken:     counter("platform_quota_refills_total", "Times that requests were counted in advance."),
		unchecked: counter("platform_quota_unchecked_total", "Requests that were served although they could not be counted."),
		failures:  counter("platform_quota_failures_total", "Times that requests could not be counted, or given back."),
	}
}

// Describe implements prometheus.Collector.
func (q *Quotas) Describe(out chan<- *prometheus.Desc) {
	for _, c := range q.metrics.all() {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (q *Quotas) Collect(out chan<- prometheus.Metric) {
	for _, c := range q.metrics.all() {
		c.Collect(out)
	}
}

func (m metrics) all() []prometheus.Counter {
	return []prometheus.Counter{m.taken, m.unchecked, m.failures}
}
