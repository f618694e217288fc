package jobs_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// patience is how long a test waits for what should be there at once: the machine may be busy.
const patience = 2 * time.Minute

// work is the job of these tests.
type work struct {
	N    int    `json:"n"`
	Fill string `json:"fill,omitempty"`
}

func (work) Kind() string { return "probe.work" }
func (work) Version() int { return 2 }

// chore is another kind.
type chore struct {
	Name string `json:"name"`
}

func (chore) Kind() string { return "probe.chore" }
func (chore) Version() int { return 1 }

// stranger is a kind that nobody does.
type stranger struct{}

func (stranger) Kind() string { return "probe.stranger" }
func (stranger) Version() int { return 1 }

// worker is one whose handlers a test chooses.
type worker []job.Handler

func (w worker) Handlers() []job.Handler { return w }

type scheduler []job.Schedule

func (s scheduler) Schedules() []job.Schedule { return s }

// probe is a module with workers and schedules.
type probe struct {
	handlers  []job.Handler
	schedules []job.Schedule
}

func (probe) Name() string      { return "probe" }
func (probe) Migrations() fs.FS { return nil }
func (probe) Manifest() []byte {
	return []byte("name: probe\nversion: 1.0.0\ndescription: Works.\n")
}

func (p probe) Init() fx.Option {
	return fx.Options(
		fx.Provide(func() worker { return p.handlers }, func() scheduler { return p.schedules }),
		module.Workers[worker](), module.Schedules[scheduler](),
	)
}

// does is a probe whose work is done by fn.
func does(fn func(ctx context.Context, w work) error, opts ...job.Option) probe {
	return probe{handlers: []job.Handler{job.On(fn, opts...)}}
}

// rig is a platform with the probe.
type rig struct {
	*testapp.App
	jobs      job.Enqueuer
	inspector job.Inspector
	runner    *jobs.Runner
	tenant    uuid.UUID
}

// quick tries again soon, and believes no replica dead because the machine is busy.
var quick = []string{"jobs.retry_after=1ms", "jobs.retry_at_most=20ms", "jobs.poll_interval=50ms", "jobs.timeout=20s", "jobs.lost_after=1m"}

func newRig(t testing.TB, p probe, set ...string) *rig {
	t.Helper()
	return sharedRig(t, p, "", set...)
}

// sharedRig is another replica over the database of the first one.
func sharedRig(t testing.TB, p probe, url string, set ...string) *rig {
	t.Helper()
	r := &rig{tenant: uuid.New()}
	r.App = testapp.New(t, append(modules.All(), p), testapp.Options{
		Set: append(append([]string{}, quick...), set...), Database: url,
		Extra: []fx.Option{fx.Populate(&r.jobs, &r.inspector, &r.runner)},
	})
	if url == "" {
		makeEffects(t, r.App)
	}
	return r
}

// makeEffects makes the table that handlers write to.
func makeEffects(t testing.TB, app *testapp.App) {
	t.Helper()
	const columns = ", id text NOT NULL, n bigint NOT NULL)"
	if testapp.Postgres() {
		app.Tamper(t, "CREATE TABLE probe_effects (seq bigint GENERATED ALWAYS AS IDENTITY"+columns, "GRANT ALL ON probe_effects TO platform_app")
		return
	}
	app.Tamper(t, "CREATE TABLE probe_effects (seq integer PRIMARY KEY AUTOINCREMENT"+columns)
}

func (r *rig) ctx() context.Context { return tenant.NewContext(context.Background(), r.tenant) }

func (r *rig) enqueue(t testing.TB, args job.Args, opts ...job.Option) uuid.UUID {
	t.Helper()
	id, err := r.jobs.Enqueue(r.ctx(), args, opts...)
	require.NoError(t, err)
	return id
}

// enqueueMany asks for jobs with the numbers from first on, all of them in one transaction.
func (r *rig) enqueueMany(t testing.TB, first, count int) {
	t.Helper()
	require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		for n := range count {
			if _, err := r.jobs.Enqueue(ctx, work{N: first + n}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// effect is what a handler writes and completes its job with, in one transaction.
func (r *rig) effect(ctx context.Context, n int) error {
	return r.Database.InTx(ctx, func(ctx context.Context) error {
		j, _ := job.FromContext(ctx)
		if err := r.Database.Exec(ctx, "INSERT INTO probe_effects (id, n) VALUES ($1, $2)", []any{j.ID.String(), n}, nil); err != nil {
			return err
		}
		return job.Complete(ctx, map[string]int{"n": n})
	})
}

func (r *rig) job(t testing.TB, id uuid.UUID) job.Job {
	t.Helper()
	j, err := r.inspector.Job(t.Context(), id)
	require.NoError(t, err)
	return j
}

// becomes waits until a job is in one of the states.
func (r *rig) becomes(t testing.TB, id uuid.UUID, states ...string) job.Job {
	t.Helper()
	var j job.Job
	require.Eventually(t, func() bool {
		j = r.job(t, id)
		return slices.Contains(states, j.State)
	}, patience, 5*time.Millisecond, "job %s is to become %v: %s", id, states, lazy(func() string { return r.unfinished(t) }))
	return j
}

// settled waits until every job is done.
func (r *rig) settled(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		return len(r.Rows(t, "SELECT id FROM jobs_jobs WHERE state NOT IN (4, 5, 6) LIMIT 1")) == 0
	}, 2*patience, 10*time.Millisecond, "%s", lazy(func() string { return r.unfinished(t) }))
}

// unfinished describes the jobs that are not done, for a test that fails.
func (r *rig) unfinished(t testing.TB) string {
	var lines []string
	for _, row := range r.Rows(t, "SELECT id, kind, state, attempt, owner, due_ms, dispatched_ms, dispatches, changed_ms, error FROM jobs_jobs WHERE state NOT IN (4, 5, 6) ORDER BY id LIMIT 50") {
		lines = append(lines, fmt.Sprint(row))
	}
	return fmt.Sprintf("now %d, not done:\n%s\nreplicas: %v", time.Now().UnixMilli(), strings.Join(lines, "\n"), r.Rows(t, "SELECT id, seen_ms FROM jobs_replicas"))
}

// lazy is a text that is made when it is printed.
type lazy func() string

func (l lazy) String() string { return l() }

// seen collects what handlers have seen.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, fmt.Sprintf(format, args...))
}

func (s *seen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.all...)
}
