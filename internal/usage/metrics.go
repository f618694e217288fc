package usage

import "github.com/prometheus/client_golang/prometheus"

type metrics struct{ rows, failures, dropped prometheus.Counter }

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return metrics{
		rows:     counter("platform_usage_rows_written_total", "Hours of tenants that this replica has added something to."),
		failures: counter("platform_usage_write_failures_total", "Failed attempts to write the usage of tenants, which are repeated."),
		dropped:  counter("platform_usage_uncounted_total", "Requests and amounts that are missing in the usage of tenants, for want of room."),
	}
}

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, out) }

// Collect implements prometheus.Collector.
func (r *Recorder) Collect(out chan<- prometheus.Metric) {
	out <- r.metrics.rows
	out <- r.metrics.failures
	out <- r.metrics.dropped
}
