//go:build soak

package jobs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/job"
)

const leads = "PLATFORM_JOBS_LEADS" // database|key file

// everySecond fires a job that does nothing.
func everySecond() probe {
	return ticking(job.Schedule{Name: "probe.second", Spec: "* * * * * *"}, nothing)
}

// TestSoakLeadersKilled kills whichever of three replicas leads, each a process of its own, fifty times: each tick is fired
// once all the same. The test's own replica, which only looks, gives the lead away when it gets it.
func TestSoakLeadersKilled(t *testing.T) {
	database, keyFile := testapp.FreshDatabase(t, append(modules.All(), probe{})), filepath.Join(t.TempDir(), "key")
	looks := sharedRig(t, everySecond(), database, "jobs.lease=1s", "security.key_file="+keyFile)
	replicas := map[int]*exec.Cmd{}
	end := func(pid int) {
		cmd := replicas[pid]
		delete(replicas, pid)
		require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		_ = cmd.Wait()
	}
	t.Cleanup(func() {
		for pid := range replicas {
			end(pid)
		}
	})
	begin := func() {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReplicaThatLeads$", "-test.timeout=1h")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s", leads, database, keyFile))
		require.NoError(t, cmd.Start())
		replicas[cmd.Process.Pid] = cmd
	}
	for range 3 {
		begin()
	}
	since, had := looks.fired(t)
	for killed := 0; killed < 50; {
		var pid int
		for _, row := range looks.Rows(t, "SELECT holder FROM lease_leases WHERE id = 'jobs.keeper'") {
			pid, _ = strconv.Atoi(strings.Split(row["holder"], ":")[1])
		}
		before := looks.schedule(t).Last
		switch {
		case replicas[pid] != nil:
			end(pid)
			begin()
			killed++
		case pid == os.Getpid():
			looks.Tamper(t, "UPDATE lease_leases SET holder = 'nobody:0:', expires_ms = 0, token = token + 1 WHERE id = 'jobs.keeper'")
		}
		require.Eventually(t, func() bool { return looks.schedule(t).Last.After(before) }, patience, 10*time.Millisecond)
	}
	require.NoError(t, looks.inspector.PauseSchedule(t.Context(), "probe.second", true))
	looks.onceEach(t, since, had)
}

// TestReplicaThatLeads is one of the replicas, until it is killed.
func TestReplicaThatLeads(t *testing.T) {
	order := os.Getenv(leads)
	if order == "" {
		t.Skip("it is started by another test")
	}
	database, keyFile, _ := strings.Cut(order, "|")
	sharedRig(t, everySecond(), database, "jobs.lease=1s", "security.key_file="+keyFile)
	select {}
}
