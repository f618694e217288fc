package jobs_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/pkg/job"
)

// ticking is a probe with one schedule, whose job is done by fn.
func ticking(s job.Schedule, fn func(context.Context, chore) error) probe {
	if s.Args == nil {
		s.Args = chore{Name: s.Name}
	}
	return probe{handlers: []job.Handler{job.On(fn)}, schedules: []job.Schedule{s}}
}

func nothing(context.Context, chore) error { return nil }

// schedule is the one of the probe.
func (r *rig) schedule(t testing.TB) job.ScheduleStatus {
	t.Helper()
	list, err := r.inspector.Schedules(t.Context())
	require.NoError(t, err)
	list = slices.DeleteFunc(list, func(s job.ScheduleStatus) bool { return !strings.HasPrefix(s.Name, "probe.") })
	require.Len(t, list, 1)
	return list[0]
}

// fired is the last tick, and how many jobs there are for it and all before it.
func (r *rig) fired(t testing.TB) (last time.Time, jobs int) {
	t.Helper()
	require.Eventually(t, func() bool {
		last = r.schedule(t).Last
		jobs = len(r.Rows(t, "SELECT id FROM jobs_jobs WHERE kind = 'probe.chore'"))
		return !last.IsZero() && r.schedule(t).Last.Equal(last) // or there was another tick in between
	}, patience, time.Millisecond)
	return last, jobs
}

// onceEach requires that there is one job for each second since then: no tick was fired twice, and none was left out.
func (r *rig) onceEach(t testing.TB, begin time.Time, had int) {
	t.Helper()
	end, have := r.fired(t)
	require.Equal(t, int(end.Sub(begin)/time.Second), have-had, "from %s to %s", begin, end)
}

func TestEachTickIsFiredOnceThoughReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	p := ticking(job.Schedule{Name: "probe.second", Spec: "* * * * * *"}, nothing)
	first := newRig(t, p, "jobs.lease=1s")
	for range 2 {
		sharedRig(t, p, first.DatabaseURL(), "jobs.lease=1s")
	}
	begin, had := first.fired(t)
	for n := range 3 { // whoever leads is forgotten, and somebody else is made to lead
		before := first.schedule(t).Last
		first.Tamper(t, fmt.Sprintf("UPDATE lease_leases SET holder = 'nobody-%d', expires_ms = 0, token = token + 1 WHERE id = 'jobs.keeper'", n))
		require.Eventually(t, func() bool { return first.schedule(t).Last.After(before.Add(time.Second)) }, patience, 10*time.Millisecond)
	}
	require.NoError(t, first.inspector.PauseSchedule(t.Context(), "probe.second", true))
	first.onceEach(t, begin, had)
}

func TestTwoLeadersFireATickOnce(t *testing.T) {
	t.Parallel()
	p := ticking(job.Schedule{Name: "probe.second", Spec: "@every 1s"}, nothing)
	var rigs []*rig
	for n := range 3 { // each believes that it leads
		url := ""
		if n > 0 {
			url = rigs[0].DatabaseURL()
		}
		rigs = append(rigs, sharedRig(t, p, url, "jobs.lease=1s"))
	}
	var leaders sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); leaders.Wait() })
	for _, r := range rigs[1:] {
		leaders.Go(func() { r.runner.LeadAnyway(ctx) })
	}
	begin, had := rigs[0].fired(t)
	require.Eventually(t, func() bool { return rigs[0].schedule(t).Last.After(begin.Add(4 * time.Second)) }, patience, 10*time.Millisecond)
	require.NoError(t, rigs[0].inspector.PauseSchedule(t.Context(), "probe.second", true))
	rigs[0].onceEach(t, begin, had)
}

func TestTicksThatWereMissedAreLeftOutOrBecomeOne(t *testing.T) {
	t.Parallel()
	for policy, want := range map[job.Misfire]int{job.Skip: 0, job.Once: 1} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			var done atomic.Int32
			p := ticking(job.Schedule{Name: "probe.hourly", Spec: "0 * * * *", Misfire: policy}, func(context.Context, chore) error { done.Add(1); return nil })
			r := newRig(t, p)
			require.Eventually(t, func() bool { return !r.schedule(t).Next.IsZero() }, patience, time.Millisecond)
			next := r.schedule(t).Next
			r.Tamper(t, fmt.Sprintf("UPDATE jobs_schedules SET next_ms = %d", next.Add(-5*time.Hour).UnixMilli()))
			require.Eventually(t, func() bool { return r.schedule(t).Next.After(time.Now()) }, patience, time.Millisecond)
			r.settled(t)
			require.EqualValues(t, want, done.Load())
		})
	}
}

func TestAScheduleIsPausedRunAndResumed(t *testing.T) {
	t.Parallel()
	p := ticking(job.Schedule{Name: "probe.second", Spec: "@every 1s"}, nothing)
	r := newRig(t, p)
	require.NoError(t, r.inspector.PauseSchedule(t.Context(), "probe.second", true))
	id, err := r.inspector.RunSchedule(t.Context(), "probe.second")
	require.NoError(t, err)
	j := r.becomes(t, id, job.Completed)
	require.Equal(t, uuid.Nil, j.Tenant)
	require.True(t, r.schedule(t).Paused)
	require.True(t, r.schedule(t).Next.IsZero())
	require.NoError(t, r.inspector.PauseSchedule(t.Context(), "probe.second", false))
	last := r.schedule(t).Last
	require.Eventually(t, func() bool { return r.schedule(t).Last.After(last) }, patience, 10*time.Millisecond)
	_, err = r.inspector.RunSchedule(t.Context(), "probe.never")
	require.ErrorIs(t, err, job.ErrUnknownName)
	require.ErrorIs(t, r.inspector.PauseSchedule(t.Context(), "probe.never", true), job.ErrUnknownName)
}

func TestAScheduleThatCannotFireStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]job.Schedule{
		"no expression":      {Name: "probe.a", Spec: "whenever", Args: chore{}},
		"a day never comes":  {Name: "probe.a", Spec: "0 0 30 2 *", Args: chore{}},
		"an unknown zone":    {Name: "probe.a", Spec: "@daily", Zone: "Mars/Base", Args: chore{}},
		"no job":             {Name: "probe.a", Spec: "@daily"},
		"a zone in the spec": {Name: "probe.a", Spec: "TZ=UTC", Args: chore{}},
		"another name":       {Name: "nightly", Spec: "@daily", Args: chore{}},
		"another policy":     {Name: "probe.a", Spec: "@daily", Misfire: "twice", Args: chore{}},
	} {
		require.Error(t, jobs.CheckSchedule(s), name)
	}
	require.NoError(t, jobs.CheckSchedule(job.Schedule{Name: "probe.a", Spec: "30 0 2 * * 1-5", Zone: "Asia/Shanghai", Args: chore{}}))
}
