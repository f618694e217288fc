package tracing

import "github.com/prometheus/client_golang/prometheus"

// Why a span was not sent.
const (
	queueFull    = "queue_full"
	exportFailed = "export_failed"
	stopped      = "stopped"
)

// Metrics count spans.
type Metrics struct {
	exportedTotal prometheus.Counter
	droppedTotal  *prometheus.CounterVec
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	m := &Metrics{
		exportedTotal: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "platform_tracing_spans_exported_total", Help: "Spans that the collector has taken.",
		}),
		droppedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_tracing_spans_dropped_total", Help: "Spans that were recorded and did not reach the collector.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{queueFull, exportFailed, stopped} {
		m.droppedTotal.WithLabelValues(reason)
	}
	return m
}

func (m *Metrics) exported(n int) { m.exportedTotal.Add(float64(n)) }
func (m *Metrics) dropped(reason string, n int) {
	m.droppedTotal.WithLabelValues(reason).Add(float64(n))
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.exportedTotal.Describe(ch)
	m.droppedTotal.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.exportedTotal.Collect(ch)
	m.droppedTotal.Collect(ch)
}
