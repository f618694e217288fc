package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Health shows the status of each health check: 1 healthy, 0.5 degraded, 0 unhealthy. statuses is asked at each scrape.
func (m *Metrics) Health(statuses func() map[string]float64) error {
	return m.Register(&checks{statuses: statuses})
}

var status = prometheus.NewDesc("platform_health_status", "1 healthy, 0.5 degraded, 0 unhealthy.", []string{"check"}, nil)

type checks struct{ statuses func() map[string]float64 }

func (*checks) Describe(ch chan<- *prometheus.Desc) { ch <- status }

func (c *checks) Collect(ch chan<- prometheus.Metric) {
	for name, value := range c.statuses() {
		ch <- prometheus.MustNewConstMetric(status, prometheus.GaugeValue, value, name)
	}
}
