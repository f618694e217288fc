package admission

import "github.com/prometheus/client_golang/prometheus"

type reason int

const (
	full    reason = iota // the queue was
	late                  // the turn did not come in time
	gone                  // the client hung up
	reasons               // how many there are
)

var labels = [reasons]string{full: "full", late: "timeout", gone: "gone"}

var (
	inFlight = prometheus.NewDesc("platform_http_admitted", "Requests that have a place, by gate.", []string{"gate"}, nil)
	queued   = prometheus.NewDesc("platform_http_queued", "Requests that wait for a place, by gate.", []string{"gate"}, nil)
	limits   = prometheus.NewDesc("platform_http_admission_limit", "Places, by gate.", []string{"gate"}, nil)
	refusals = prometheus.NewDesc("platform_http_overload_refused_total", "Requests that got no place, by gate and reason.", []string{"gate", "reason"}, nil)
)

// Gates are shown as metrics, by name.
type Gates map[string]*Gate

// Describe implements prometheus.Collector.
func (Gates) Describe(ch chan<- *prometheus.Desc) {
	ch <- inFlight
	ch <- queued
	ch <- limits
	ch <- refusals
}

// Collect implements prometheus.Collector.
func (all Gates) Collect(ch chan<- prometheus.Metric) {
	for name, g := range all {
		s := g.state()
		ch <- prometheus.MustNewConstMetric(inFlight, prometheus.GaugeValue, float64(s.inside), name)
		ch <- prometheus.MustNewConstMetric(queued, prometheus.GaugeValue, float64(s.waiting), name)
		ch <- prometheus.MustNewConstMetric(limits, prometheus.GaugeValue, float64(s.limit), name)
		for why, n := range s.refused {
			ch <- prometheus.MustNewConstMetric(refusals, prometheus.CounterValue, float64(n), name, labels[why])
		}
	}
}

type state struct {
	limit, inside, waiting int
	refused                [reasons]uint64
}

func (g *Gate) state() state {
	g.mu.Lock()
	defer g.mu.Unlock()
	return state{g.limit, g.inside, g.waiting.Len(), g.refused}
}
