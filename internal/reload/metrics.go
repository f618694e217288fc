package reload

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/internal/config"
)

// Metrics count reloads.
type Metrics struct {
	total   *prometheus.CounterVec
	last    prometheus.Gauge
	waiting prometheus.Gauge
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	m := &Metrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_config_reloads_total", Help: "Times that the configuration was loaded again, by what came of it.",
		}, []string{"outcome"}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "platform_config_last_reload_successful", Help: "0 while the files of the configuration were refused, 1 otherwise.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "platform_config_restart_keys", Help: "Settings that have changed and take effect at the next start.",
		}),
	}
	m.last.Set(1)
	for _, outcome := range []string{"applied", "unchanged", "refused"} {
		m.total.WithLabelValues(outcome)
	}
	return m
}

func (m *Metrics) reloaded(changed config.Changes, err error) {
	switch {
	case err != nil:
		m.total.WithLabelValues("refused").Inc()
		m.last.Set(0)
		return
	case len(changed.Applied) > 0:
		m.total.WithLabelValues("applied").Inc()
	default:
		m.total.WithLabelValues("unchanged").Inc()
	}
	m.last.Set(1)
	m.waiting.Set(float64(len(changed.Waiting)))
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range []prometheus.Collector{m.total, m.last, m.waiting} {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range []prometheus.Collector{m.total, m.last, m.waiting} {
		c.Collect(ch)
	}
}
