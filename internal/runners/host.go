// Package runners runs what modules do in the background, and starts again what fails.
package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/lifecycle"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/runner"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second // one that hangs leaves time for what stops after it
)

// proper is <module>.<what>.
var proper = regexp.MustCompile(`^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*$`)

// Host runs the runners of this process.
type Host struct {
	log     *zap.Logger
	metrics *Metrics
	errors  errorbus.Reporter
	fatal   func() // ends the process
	guests  []*guest
}

// New refuses a name that is there twice or is not <module>.<what>.
func New(log *zap.Logger, m *Metrics, b *Board, reporter errorbus.Reporter, declared ...runner.Declared) (*Host, error) {
	h := &Host{log: log, metrics: m, errors: reporter, fatal: func() {}}
	seen := map[string]bool{}
	for _, d := range declared {
		name := d.Name()
		if !proper.MatchString(name) {
			return nil, fmt.Errorf("a runner is called %q, which is not <module>.<what>", name)
		}
		if seen[name] {
			return nil, fmt.Errorf("two runners are called %s", name)
		}
		seen[name] = true
		h.guests = append(h.guests, newGuest(h, name, d))
	}
	slices.SortFunc(h.guests, func(a, b *guest) int { return cmp.Compare(a.name, b.name) })
	for _, g := range h.guests {
		g.state = b.add(g.name, m.up.WithLabelValues(g.name))
		m.restarts.WithLabelValues(g.name)
	}
	return h, nil
}

// Start starts one after the other, by name. When one fails, those before it are stopped again.
func (h *Host) Start(ctx context.Context) error {
	for i, g := range h.guests {
		lifecycle.Allow(ctx, 2*startTimeout) // it is named here when it takes too long
		if err := g.begin(ctx); err != nil {
			return errors.Join(fmt.Errorf("runner %s: %w", g.name, err), stop(context.WithoutCancel(ctx), h.guests[:i]))
		}
	}
	return nil
}

// Stop stops all of them at once and waits, for ten seconds or until ctx ends. The error names those that did not stop.
func (h *Host) Stop(ctx context.Context) error { return stop(ctx, h.guests) }

func stop(ctx context.Context, guests []*guest) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	errs := make([]error, len(guests))
	var all sync.WaitGroup
	for i, g := range guests {
		all.Go(func() {
			if err := g.end(ctx); err != nil {
				errs[i] = fmt.Errorf("runner %s: %w", g.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
