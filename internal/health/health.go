// Package health examines the parts of the platform and tells whether this replica can serve.
package health

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/yourorg/platform/pkg/health"
)

// server is the name under which a replica that shuts down reports itself.
const server = "server"

// ErrDraining is why a replica that shuts down is unhealthy.
var ErrDraining = errors.New("draining: the server is shutting down")

// Result is what one check found.
type Result struct {
	Name     string
	Status   health.Status
	Duration time.Duration // the time that the examination took
	Err      error         // why it is not healthy; for operators only
}

// Report is the state of every part. Its status is the worst of theirs.
type Report struct {
	Status health.Status
	Checks []Result // sorted by name; shared, do not change it
}

// Registry knows every check.
type Registry struct {
	cfg      Config
	checks   []*examined
	late     func() []*examined
	draining atomic.Bool
	flight   singleflight.Group
	last     atomic.Pointer[snapshot]
}

type snapshot struct {
	report Report
	taken  time.Time
}

// Late lists checks that are known only when everything is built. It is called once, at the first examination.
type Late func() []health.Check

// New takes every check once: two of one name are an error.
func New(cfg Config, checks ...health.Check) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &Registry{cfg: cfg, late: func() []*examined { return nil }}
	seen := map[string]bool{server: true}
	var errs []error
	for _, c := range checks {
		name := c.Name()
		if name == "" || seen[name] {
			errs = append(errs, fmt.Errorf("health check %q is empty, reserved or already there", name))
		}
		seen[name] = true
		r.checks = append(r.checks, &examined{Check: c, name: name})
	}
	slices.SortFunc(r.checks, func(a, b *examined) int { return cmp.Compare(a.name, b.name) })
	return r, errors.Join(errs...)
}

// Join adds what is known late. It is called before the first report.
func (r *Registry) Join(late Late) {
	r.late = sync.OnceValue(func() (joined []*examined) {
		for _, c := range late() {
			joined = append(joined, &examined{Check: c, name: c.Name()})
		}
		return joined
	})
}

// SetDraining makes every report from now on unhealthy, so that no new requests are sent here.
func (r *Registry) SetDraining() { r.draining.Store(true) }

// Report examines every part at once, or repeats what was found within the cache time. Callers at the same time share
// one examination. It takes no longer than the timeout, and belongs to no request: the checks see none of its context.
func (r *Registry) Report() Report {
	report, fresh := r.cached()
	if !fresh {
		found, _, _ := r.flight.Do("", func() (any, error) { return r.examine(), nil })
		report = found.(Report)
	}
	if r.draining.Load() {
		return report.with(Result{Name: server, Status: health.Unhealthy, Err: ErrDraining})
	}
	return report
}

func (r *Registry) cached() (Report, bool) {
	last := r.last.Load()
	if last == nil || time.Since(last.taken) >= r.cfg.Cache {
		return Report{}, false
	}
	return last.report, true
}

func (r *Registry) examine() Report {
	if report, fresh := r.cached(); fresh { // another flight has landed just now
		return report
	}
	checks := slices.Concat(r.checks, r.late())
	results := make([]Result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { results[i] = c.examine(r.cfg.Timeout) })
	}
	all.Wait()
	slices.SortFunc(results, byName)
	report := Report{Status: worst(results), Checks: results}
	r.last.Store(&snapshot{report: report, taken: time.Now()})
	return report
}

func byName(a, b Result) int { return cmp.Compare(a.Name, b.Name) }

// with adds a result to a copy.
func (r Report) with(extra Result) Report {
	checks := append(slices.Clone(r.Checks), extra)
	slices.SortFunc(checks, byName)
	return Report{Status: worst(checks), Checks: checks}
}

var severity = map[health.Status]int{health.Healthy: 0, health.Degraded: 1, health.Unhealthy: 2}

func worst(results []Result) health.Status {
	status := health.Healthy
	for _, r := range results {
		if severity[r.Status] > severity[status] {
			status = r.Status
		}
	}
	return status
}
