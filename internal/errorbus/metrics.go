package errorbus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/pkg/errorbus"
)

// Metrics count reports.
type Metrics struct {
	reportedTotal *prometheus.CounterVec
	droppedTotal  *prometheus.CounterVec
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	return &Metrics{
		reportedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_errors_total", Help: "Panics and errors that nobody expected, by where they were noticed.",
		}, []string{"source", "what"}),
		droppedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_errors_dropped_total", Help: "Reports of errors that did not reach a sink.",
		}, []string{"sink"}),
	}
}

func (m *Metrics) reported(r errorbus.Report) {
	what := "error"
	if r.Panicked() {
		what = "panic"
	}
	m.reportedTotal.WithLabelValues(r.Source, what).Inc()
}

func (m *Metrics) dropped(sink string) { m.droppedTotal.WithLabelValues(sink).Inc() }

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.reportedTotal.Describe(ch)
	m.droppedTotal.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.reportedTotal.Collect(ch)
	m.droppedTotal.Collect(ch)
}
