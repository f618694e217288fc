package runners

import "github.com/prometheus/client_golang/prometheus"

// Metrics show which runners work, and count how often they had to be started again.
type Metrics struct {
	up       *prometheus.GaugeVec
	restarts *prometheus.CounterVec
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	return &Metrics{
		up:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "platform_runner_up", Help: "Whether a runner works: 1, or 0."}, []string{"runner"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "platform_runner_restarts_total", Help: "Attempts to start a runner that had failed."}, []string{"runner"}),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.up.Describe(ch)
	m.restarts.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.up.Collect(ch)
	m.restarts.Collect(ch)
}
