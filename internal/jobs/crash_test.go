package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

// Where a process is killed.
var points = []string{
	"after the commit of a job", "before a job is completed", "after what it wrote and before the commit", "after its commit and before the answer", "at any time",
}

const (
	killed      = "PLATFORM_JOBS_CRASH" // point|database|key file|seconds to run at most|settings…
	aliveAtMost = 180
)

func TestEveryJobIsDoneOnceWhereverAProcessIsKilled(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		times := len(points)
		if testapp.Postgres() {
			times *= 2
		}
		killAgainAndAgain(t, times, set)
	})
}

// killAgainAndAgain starts a process that enqueues and does jobs, and kills it, so often. Then it requires that a further
// one does all that was acknowledged, and that nothing is done twice in effect.
func killAgainAndAgain(t *testing.T, times int, set []string) {
	t.Helper()
	database := testapp.FreshDatabase(t, append(modules.All(), probe{}))
	keyFile := filepath.Join(t.TempDir(), "key")
	set = append(append([]string{}, set...), "security.key_file="+keyFile, "jobs.max_attempts=1000", "jobs.lost_after=8s")
	acknowledged := map[string]bool{}
	for n := range times {
		point := points[n%len(points)]
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessThatIsKilled$", "-test.v", "-test.timeout=5m")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d|%s|%s|%s", killed, n, point, database, strings.Join(set, "|")))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		log := reads(out, acknowledged, func() {
			if point == "at any time" {
				_ = cmd.Process.Kill()
			}
		})
		_ = cmd.Wait()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, status.Signaled() && status.Signal() == syscall.SIGKILL, "%s: it was to be killed\n%s", point, log)
	}
	require.NotEmpty(t, acknowledged)

	started := time.Now()
	var of atomic.Pointer[rig]
	r := sharedRig(t, crashProbe(&of, nil), database, set...)
	of.Store(r)
	r.settled(t)
	t.Logf("all was done %s after the start", time.Since(started).Round(time.Millisecond))
	effects := map[string]int{}
	for _, row := range r.Rows(t, "SELECT id FROM probe_effects") {
		effects[row["id"]]++
	}
	for id := range acknowledged {
		require.Equal(t, 1, effects[id], "job %s was acknowledged: %v", id, r.Rows(t, "SELECT * FROM jobs_jobs WHERE id = '"+id+"'"))
	}
	for id, n := range effects {
		require.Equal(t, 1, n, "job %s was done more than once in effect", id)
	}
	require.Empty(t, r.Rows(t, "SELECT id FROM jobs_jobs WHERE state <> 6"))
}

// reads collects what the process has acknowledged until it ends, and calls enough when that is a good deal.
func reads(out io.Reader, acknowledged map[string]bool, enough func()) string {
	var log strings.Builder
	count := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		log.WriteString(lines.Text() + "\n")
		if id, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
			acknowledged[id] = true
			if count++; count == 60 {
				enough()
			}
		}
	}
	return log.String()
}

// crashProbe writes an effect for each job and completes it, and calls at where a process may be killed. of is the
// platform that it writes with.
func crashProbe(of *atomic.Pointer[rig], at func(ctx context.Context, point string)) probe {
	return does(func(ctx context.Context, w work) error {
		r := of.Load()
		for ; r == nil; r = of.Load() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if w.N%7 == 3 {
			if j, _ := job.FromContext(ctx); j.Attempt == 1 {
				return errors.New("not the first time")
			}
		}
		if at != nil {
			at(ctx, points[1])
		}
		err := r.Database.InTx(ctx, func(ctx context.Context) error {
			j, _ := job.FromContext(ctx)
			if err := r.Database.Exec(ctx, "INSERT INTO probe_effects (id, n) VALUES ($1, $2)", []any{j.ID.String(), w.N}, nil); err != nil {
				return err
			}
			if err := job.Complete(ctx, nil); err != nil {
				return err
			}
			if at != nil {
				at(ctx, points[2])
			}
			return nil
		})
		if at != nil && err == nil {
			at(ctx, points[3])
		}
		return err
	})
}

// TestProcessThatIsKilled is the process: it enqueues until it kills itself, or is killed.
func TestProcessThatIsKilled(t *testing.T) {
	order := os.Getenv(killed)
	if order == "" {
		t.Skip("it is started by another test")
	}
	parts := strings.Split(order, "|")
	first, point, database, set := parts[0] == "0", parts[1], parts[2], parts[3:]
	const enough = 40
	kill := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	var reached atomic.Int32
	var of atomic.Pointer[rig]
	r := sharedRig(t, crashProbe(&of, func(_ context.Context, at string) {
		if at == point && reached.Add(1) == enough {
			kill()
		}
	}), database, set...)
	if first {
		makeEffects(t, r.App)
	}
	of.Store(r)
	until := time.Now().Add(aliveAtMost * time.Second)
	for n := 0; time.Now().Before(until); n++ {
		require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
			id, err := r.jobs.Enqueue(ctx, work{N: n})
			tx.AfterCommit(ctx, func(context.Context) {
				acknowledge(id)
				if point == points[0] && n == enough {
					kill()
				}
			})
			return err
		}))
		if n > 100 {
			<-time.After(5 * time.Millisecond)
		}
	}
	t.Fatal("it should have been killed long ago")
}

func acknowledge(id uuid.UUID) { fmt.Printf("acknowledged %s\n", id) }
