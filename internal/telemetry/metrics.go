package telemetry

import (
	"database/sql"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what /metrics shows. It is no global: two platforms in one process keep apart.
type Metrics struct {
	*prometheus.Registry
	Busiest *Busiest // nil when no tenant is counted by itself
}

// NewMetrics starts with the Go runtime and the process.
func NewMetrics() *Metrics {
	m := &Metrics{Registry: prometheus.NewRegistry()}
	m.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// telling lets so many of the busiest tenants be told apart.
func (m *Metrics) telling(tenants int) *Metrics {
	m.Busiest = NewBusiest(tenants)
	return m
}

// Handler serves the metrics in the format that is asked for. OpenMetrics is the one that has exemplars.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: m.Registry, EnableOpenMetrics: true})
}

// Pools shows the connections of each database pool.
func (m *Metrics) Pools(stats func() map[string]sql.DBStats) error {
	return m.Register(&pools{stats: stats})
}

var (
	connections = prometheus.NewDesc("platform_database_connections", "Open connections.", []string{"pool", "state"}, nil)
	waits       = prometheus.NewDesc("platform_database_waits_total", "How often a connection was waited for.", []string{"pool"}, nil)
	waited      = prometheus.NewDesc("platform_database_wait_seconds_total", "How long connections were waited for.", []string{"pool"}, nil)
)

type pools struct{ stats func() map[string]sql.DBStats }

func (*pools) Describe(ch chan<- *prometheus.Desc) {
	ch <- connections
	ch <- waits
	ch <- waited
}

func (p *pools) Collect(ch chan<- prometheus.Metric) {
	for name, s := range p.stats() {
		ch <- prometheus.MustNewConstMetric(connections, prometheus.GaugeValue, float64(s.InUse), name, "in_use")
		ch <- prometheus.MustNewConstMetric(connections, prometheus.GaugeValue, float64(s.Idle), name, "idle")
		ch <- prometheus.MustNewConstMetric(waits, prometheus.CounterValue, float64(s.WaitCount), name)
		ch <- prometheus.MustNewConstMetric(waited, prometheus.CounterValue, s.WaitDuration.Seconds(), name)
	}
}
