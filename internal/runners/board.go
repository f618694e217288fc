package runners

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/pkg/health"
)

var (
	errStarting = errors.New("it has not started yet")
	errStopped  = errors.New("it has been stopped")
)

// Board shows how the runners of this process are. It is empty where there is no host.
type Board struct {
	mu     sync.Mutex
	states []*state
}

// NewBoard returns an empty one.
func NewBoard() *Board { return &Board{} }

// Checks are one for each runner, named runner.<name>.
func (b *Board) Checks() []health.Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	checks := make([]health.Check, len(b.states))
	for i, s := range b.states {
		checks[i] = s
	}
	return checks
}

func (b *Board) add(name string, up prometheus.Gauge) *state {
	s := &state{name: name, gauge: up, why: errStarting}
	s.gauge.Set(0)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.states = append(b.states, s)
	return s
}

// state is how one runner is.
type state struct {
	name  string
	gauge prometheus.Gauge
	mu    sync.Mutex
	why   error // why it does not work; nil when it does
}

func (s *state) set(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
	s.gauge.Set(map[bool]float64{true: 1}[why == nil])
}

// Name is the name of the health check.
func (s *state) Name() string { return "runner." + s.name }

// Check is unhealthy while the runner does not work.
func (s *state) Check(context.Context) (health.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != nil {
		return health.Unhealthy, s.why
	}
	return health.Healthy, nil
}
