package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
)

// Metrics count what this process does with events, and show what the outbox holds.
type Metrics struct {
	publishedTotal *prometheus.CounterVec
	handledTotal   *prometheus.CounterVec
	failedTotal    *prometheus.CounterVec
	seconds        *prometheus.HistogramVec
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &Metrics{
		publishedTotal: counter("platform_events_published_total", "Events that were committed.", "topic"),
		handledTotal:   counter("platform_events_delivered_total", "Events that a subscriber has handled, or the broker has taken.", "to"),
		failedTotal:    counter("platform_events_failed_total", "Attempts that failed, by what becomes of the event.", "to", "then"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "platform_events_delivery_seconds", Help: "From the publication to the delivery.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300},
		}, []string{"to"}),
	}
}

func (m *Metrics) published(events []*event.Envelope) {
	for _, e := range events {
		m.publishedTotal.WithLabelValues(e.Topic).Inc()
	}
}

func (m *Metrics) handled(to string, items []item) {
	now := time.Now()
	m.handledTotal.WithLabelValues(to).Add(float64(len(items)))
	for i := range items {
		m.seconds.WithLabelValues(to).Observe(max(0, now.Sub(items[i].event.Time).Seconds()))
	}
}

func (m *Metrics) failed(to, then string) { m.failedTotal.WithLabelValues(to, then).Inc() }

var (
	deliveries = prometheus.NewDesc("platform_events_deliveries", "Deliveries that are not done.", []string{"to", "state"}, nil)
	oldest     = prometheus.NewDesc("platform_events_oldest_seconds", "The age of the oldest delivery that is ready.", []string{"to"}, nil)
)

// collectTimeout keeps a scrape from waiting for the database.
const collectTimeout = 2 * time.Second

// Describe implements prometheus.Collector.
func (o *Outbox) Describe(ch chan<- *prometheus.Desc) {
	ch <- deliveries
	ch <- oldest
	for _, c := range o.metrics.all() {
		c.Describe(ch)
	}
}

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.publishedTotal, m.handledTotal, m.failedTotal, m.seconds}
}

// Collect implements prometheus.Collector.
func (o *Outbox) Collect(ch chan<- prometheus.Metric) {
	for _, c := range o.metrics.all() {
		c.Collect(ch)
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	backlog, err := o.backlog(ctx)
	if err != nil {
		o.log.Debug("the backlog of events cannot be counted", zap.Error(err))
		return
	}
	for _, b := range backlog {
		ch <- prometheus.MustNewConstMetric(deliveries, prometheus.GaugeValue, float64(b.count), b.to, states[b.state])
		if b.state == stateReady {
			ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, max(0, time.Since(b.since).Seconds()), b.to)
		}
	}
}
