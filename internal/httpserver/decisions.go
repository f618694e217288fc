package httpserver

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/pkg/problem"
)

// decisions counts whether callers held the permission of what they asked for.
type decisions struct{ allowed, denied, failed prometheus.Counter }

func newDecisions(registry prometheus.Registerer) (decisions, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "platform_authz_decisions_total", Help: "Whether callers held the permission that an operation asks for.",
	}, []string{"outcome"})
	return decisions{total.WithLabelValues("allowed"), total.WithLabelValues("denied"), total.WithLabelValues("failed")}, registry.Register(total)
}

func (d decisions) decided(err error) {
	if err == nil {
		d.allowed.Inc()
		return
	}
	switch p, known := errors.AsType[*problem.Problem](err); {
	case known && p.Kind == problem.Forbidden:
		d.denied.Inc()
	default: // nobody could tell, as when the database is away
		d.failed.Inc()
	}
}
