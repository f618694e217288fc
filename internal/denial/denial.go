// Package denial announces what the terms of tenants did not allow: one event for many refusals.
package denial

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

const (
	every     = 5 * time.Second // how often what was refused is announced
	mostNoted = 10_000          // how much is remembered until then; more is counted by the metrics only
)

// Recorder counts refusals, and announces them from time to time. A process that is killed announces those of its last
// seconds to nobody: they are no work that was promised.
type Recorder struct {
	events event.Publisher
	log    *zap.Logger
	total  *prometheus.CounterVec

	mu    sync.Mutex
	noted map[noted]int

	stop context.CancelFunc
	done chan struct{}
}

type noted struct {
	tenant   tenant.ID
	by, name string
}

// New returns a recorder that announces nothing before it is started.
func New(events event.Publisher, log *zap.Logger) *Recorder {
	return &Recorder{
		events: events, log: log.Named("denial"), noted: map[noted]int{},
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_terms_denied_total", Help: "Requests and attempts that the terms of a tenant did not allow.",
		}, []string{"by"}),
	}
}

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(out chan<- *prometheus.Desc) { r.total.Describe(out) }

// Collect implements prometheus.Collector.
func (r *Recorder) Collect(out chan<- prometheus.Metric) { r.total.Collect(out) }

// Denied notes a refusal to the tenant in ctx: by is "rate", "quota", "entitlement" or "policy", and name one of few. It
// never blocks.
func (r *Recorder) Denied(ctx context.Context, by, name string) {
	r.total.WithLabelValues(by).Inc()
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := noted{id, by, name}
	if _, known := r.noted[n]; known || len(r.noted) < mostNoted {
		r.noted[n]++
	}
}

// Start announces in the background.
func (r *Recorder) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.Announce(ctx)
			}
		}
	}()
	return nil
}

// Stop announces what is left, as long as ctx allows.
func (r *Recorder) Stop(ctx context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("stop announcing refusals: %w", ctx.Err())
	}
	r.Announce(ctx)
	return nil
}

// Announce publishes what has been noted. What cannot be is noted again.
func (r *Recorder) Announce(ctx context.Context) {
	r.mu.Lock()
	taken := r.noted
	r.noted = map[noted]int{}
	r.mu.Unlock()
	for n, count := range taken {
		err := r.events.Publish(tenant.NewContext(ctx, n.tenant), terms.Denied{By: n.by, Name: n.name, Count: count})
		if err == nil {
			continue
		}
		if ctx.Err() == nil {
			r.log.Warn("refusals could not be announced", zap.Stringer("tenant_id", n.tenant), zap.String("by", n.by), zap.Error(err))
		}
		r.mu.Lock()
		if _, known := r.noted[n]; known || len(r.noted) < mostNoted {
			r.noted[n] += count
		}
		r.mu.Unlock()
	}
}
