package outbox_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/tx"
)

// Where a process is killed.
const (
	afterCommit  = "after the commit of what was published"
	midBatch     = "between two events of a batch"
	midHandler   = "in a handler that has written"
	beforeCommit = "before the commit of what was handled"
	afterHandled = "after the commit of what was handled"
)

// What the test tells the process that it starts.
const (
	crashing    = "PLATFORM_OUTBOX_CRASH"     // point|database|key file|first number
	crashingSet = "PLATFORM_OUTBOX_CRASH_SET" // settings, a line each
)

func TestNothingIsLostOrDoneTwiceWhereverAProcessIsKilled(t *testing.T) {
	t.Parallel()
	killed(t, 1)
}

// killed kills a process at every point, so many times, and looks at what became of its events.
func killed(t *testing.T, rounds int, set ...string) {
	t.Helper()
	set = append(set, "events.lease=1s", "events.resend_after=2s")
	database := testapp.FreshDatabase(t, append(modules.All(), probe{}))
	keyFile := filepath.Join(t.TempDir(), "key")
	var acknowledged []int
	first := 0
	for _, point := range slices.Repeat([]string{afterCommit, midBatch, midHandler, beforeCommit, afterHandled}, rounds) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessThatIsKilled$", "-test.v", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|%d", crashing, point, database, keyFile, first),
			crashingSet+"="+strings.Join(set, "\n"))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var log strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if number, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
				n, err := strconv.Atoi(number)
				require.NoError(t, err)
				acknowledged = append(acknowledged, n)
			}
		}
		_ = cmd.Wait()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, status.Signaled() && status.Signal() == syscall.SIGKILL, "%s: it was to be killed\n%s", point, &log)
		first += 10_000
	}
	require.NotEmpty(t, acknowledged)

	r := sharedRig(t, crashProbe(nil), database, append(set, "security.key_file="+keyFile)...)
	survivor.Store(r)
	r.settles(t, time.Duration(rounds)*time.Minute) // what so many processes have left behind
	require.Empty(t, r.parked(t))
	var all []int
	for key, numbers := range r.effects(t) {
		require.True(t, slices.IsSorted(numbers), "the order of key %s: %v", key, numbers)
		all = append(all, numbers...)
	}
	slices.Sort(all)
	require.Len(t, slices.Compact(slices.Clone(all)), len(all), "handled twice in effect")
	for _, n := range acknowledged {
		_, found := slices.BinarySearch(all, n)
		require.True(t, found, "%d was acknowledged and is lost", n)
	}
}

// survivor is the platform of this process that the handlers write with.
var survivor atomic.Pointer[rig]

// crashProbe writes the effect of each event, and calls at after it.
func crashProbe(at func(ctx context.Context, handled int)) probe {
	var handled atomic.Int32
	return probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		r := survivor.Load()
		for ; r == nil; r = survivor.Load() {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := r.effect(ctx, m); err != nil {
			return err
		}
		if n := handled.Add(1); at != nil {
			at(ctx, int(n))
		}
		return nil
	}}}}
}

type handling struct{}

// TestProcessThatIsKilled is the process: it publishes until it kills itself.
func TestProcessThatIsKilled(t *testing.T) {
	order := os.Getenv(crashing)
	if order == "" {
		t.Skip("it is started by another test")
	}
	parts := strings.Split(order, "|")
	point, database, keyFile := parts[0], parts[1], parts[2]
	first, err := strconv.Atoi(parts[3])
	require.NoError(t, err)
	const enough = 25
	kill := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

	r := sharedRig(t, crashProbe(func(ctx context.Context, handled int) {
		_, _ = tx.LoadOrStore(ctx, handling{}, handled)
		switch {
		case handled < enough:
		case point == midHandler:
			kill()
		case point == midBatch && handled > enough:
			kill()
		case point == afterHandled:
			tx.AfterCommit(ctx, func(context.Context) { kill() })
		}
	}), database, append(strings.Split(os.Getenv(crashingSet), "\n"), "security.key_file="+keyFile)...)
	r.Database.BeforeCommit(func(ctx context.Context) error {
		if n, _ := tx.Load(ctx, handling{}).(int); point == beforeCommit && n >= enough {
			kill()
		}
		return nil
	})
	if first == 0 {
		r.makeEffects(t)
	}
	survivor.Store(r)
	for n := first; ; n++ {
		require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
			if n-first == enough && point == afterCommit {
				tx.AfterCommit(ctx, func(context.Context) { fmt.Printf("acknowledged %d\n", n); kill() })
			}
			return r.publisher.Publish(ctx, made{N: n, K: fmt.Sprintf("%d-%d", first, n%5)})
		}))
		fmt.Printf("acknowledged %d\n", n)
		require.Less(t, n-first, 9000, "it should have been killed long ago")
		if n%50 == 0 {
			<-time.After(time.Millisecond) // the relay has its turn
		}
	}
}
