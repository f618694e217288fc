package jobs

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Metrics count what this process does with jobs, and show what there is to do.
type Metrics struct {
	enqueuedTotal *prometheus.CounterVec
	endedTotal    *prometheus.CounterVec
	waited        *prometheus.HistogramVec
	took          *prometheus.HistogramVec
	rescuedTotal  prometheus.Counter
	refilledTotal prometheus.Counter
}

// NewMetrics returns metrics that nobody collects yet.
func NewMetrics() *Metrics {
	seconds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300}
	return &Metrics{
		enqueuedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "platform_jobs_enqueued_total", Help: "Jobs that were committed."}, []string{"kind"}),
		endedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_jobs_attempts_total", Help: "Attempts that ended, by what became of the job.",
		}, []string{"kind", "then"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "platform_jobs_wait_seconds", Help: "From when a job was due until it was begun for the first time.", Buckets: seconds,
		}, []string{"queue"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "platform_jobs_attempt_seconds", Help: "What an attempt took.", Buckets: seconds}, []string{"kind"}),
		rescuedTotal: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "platform_jobs_rescued_total", Help: "Jobs that were taken from replicas that are gone.",
		}),
		refilledTotal: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "platform_jobs_refilled_total", Help: "Jobs that the engine had lost and got again.",
		}),
	}
}

func (m *Metrics) enqueued(orders []*order) {
	for _, o := range orders {
		m.enqueuedTotal.WithLabelValues(o.Kind).Inc()
	}
}

func (m *Metrics) begun(a *attempt) {
	if a.Attempt == 1 {
		m.waited.WithLabelValues(a.Queue).Observe(max(0, a.begun.Sub(a.Due).Seconds()))
	}
}

func (m *Metrics) ended(a *attempt, then string, took time.Duration) {
	m.endedTotal.WithLabelValues(a.Kind, then).Inc()
	m.took.WithLabelValues(a.Kind).Observe(took.Seconds())
}

func (m *Metrics) rescued(n int)  { m.rescuedTotal.Add(float64(n)) }
func (m *Metrics) refilled(n int) { m.refilledTotal.Add(float64(n)) }

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.enqueuedTotal, m.endedTotal, m.waited, m.took, m.rescuedTotal, m.refilledTotal}
}

var (
	depth  = prometheus.NewDesc("platform_jobs", "Jobs that are not done, or have failed.", []string{"queue", "state"}, nil)
	oldest = prometheus.NewDesc("platform_jobs_oldest_seconds", "How long the oldest job that is due has waited.", []string{"queue"}, nil)
)

// collectTimeout keeps a scrape from waiting for the database.
const collectTimeout = 2 * time.Second

// Describe implements prometheus.Collector.
func (j *Jobs) Describe(ch chan<- *prometheus.Desc) {
	ch <- depth
	ch <- oldest
	for _, c := range j.metrics.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (j *Jobs) Collect(ch chan<- prometheus.Metric) {
	for _, c := range j.metrics.all() {
		c.Collect(ch)
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	backlog, err := j.backlog(ctx)
	if err != nil {
		j.log.Debug("the backlog of jobs cannot be counted", zap.Error(err))
		return
	}
	for _, b := range backlog {
		ch <- prometheus.MustNewConstMetric(depth, prometheus.GaugeValue, float64(b.count), b.queue, stateNames[b.state])
		if b.state == queued {
			ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, max(0, time.Since(b.since).Seconds()), b.queue)
		}
	}
}
