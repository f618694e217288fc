package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

// onEngines runs a test on every engine.
func onEngines(t *testing.T, test func(t *testing.T, set []string)) {
	t.Helper()
	t.Parallel()
	t.Run("database", func(t *testing.T) {
		t.Parallel()
		test(t, []string{"jobs.engine=database"})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, onRedis(t))
	})
}

func TestAJobIsDoneOnceWithItsResult(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var r *rig
		ready := make(chan struct{})
		r = newRig(t, does(func(ctx context.Context, w work) error {
			<-ready
			return r.effect(ctx, w.N)
		}), set...)
		close(ready)
		j := r.becomes(t, r.enqueue(t, work{N: 7}), job.Completed)
		require.JSONEq(t, `{"n":7}`, string(j.Result))
		require.Equal(t, 1, j.Attempt)
		require.Len(t, r.Rows(t, "SELECT * FROM probe_effects"), 1)
	})
}

func TestManyJobsAreAllDone(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var count atomic.Int32
		r := newRig(t, does(func(context.Context, work) error { count.Add(1); return nil }), set...)
		r.enqueueMany(t, 0, 500)
		r.settled(t)
		require.EqualValues(t, 500, count.Load())
	})
}

// Statistics of an empty table make Postgres plan for a single reference, again and again.
func TestAQueueDoesNoMoreThanItMayAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		const workers = 2
		var running, most, count atomic.Int32
		r := newRig(t, does(func(context.Context, work) error {
			for now := running.Add(1); ; {
				if was := most.Load(); now <= was || most.CompareAndSwap(was, now) {
					break
				}
			}
			<-time.After(5 * time.Millisecond)
			running.Add(-1)
			count.Add(1)
			return nil
		}), append(set, fmt.Sprintf("jobs.queues=default=%d", workers))...)
		r.Tamper(t, "ANALYZE")
		r.enqueueMany(t, 0, 200)
		r.settled(t)
		require.EqualValues(t, 200, count.Load())
		require.EqualValues(t, workers, most.Load())
	})
}

func TestWhatIsRolledBackIsNotDone(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var done seen
		r := newRig(t, does(func(_ context.Context, w work) error { done.add("%d", w.N); return nil }), set...)
		undo := errors.New("no")
		require.ErrorIs(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
			_, err := r.jobs.Enqueue(ctx, work{N: 1})
			require.NoError(t, err)
			_, err = r.jobs.Enqueue(ctx, work{N: 2}, job.Unique("k", 0))
			require.NoError(t, err)
			return undo
		}), undo)
		r.becomes(t, r.enqueue(t, work{N: 3}), job.Completed)
		require.Equal(t, []string{"3"}, done.list())
	})
}

func TestAJobThatFailsIsTriedAgainUntilItHasFailed(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var tries atomic.Int32
		r := newRig(t, does(func(context.Context, work) error { tries.Add(1); return errors.New("not\x00 today") }), set...)
		id := r.enqueue(t, work{}, job.MaxAttempts(3))
		j := r.becomes(t, id, job.Failed)
		require.EqualValues(t, 3, tries.Load())
		require.Equal(t, 3, j.Attempt)
		require.Equal(t, "not? today", j.Error)

		require.NoError(t, r.inspector.Retry(t.Context(), id))
		require.Eventually(t, func() bool { return tries.Load() == 6 }, patience, time.Millisecond)
		r.becomes(t, id, job.Failed)
	})
}

func TestAnErrorCanBePermanentOrAskForPatience(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var tries atomic.Int32
		r := newRig(t, does(func(_ context.Context, w work) error {
			switch n := tries.Add(1); {
			case w.N == 1:
				return job.Permanent(errors.New("never"))
			case n < 4:
				return job.Later(time.Millisecond, errors.New("soon"))
			}
			return nil
		}), set...)
		j := r.becomes(t, r.enqueue(t, work{N: 1}), job.Failed)
		require.Equal(t, 1, j.Attempt)
		require.Equal(t, "never", j.Error)
		j = r.becomes(t, r.enqueue(t, work{N: 2}, job.MaxAttempts(1)), job.Completed)
		require.Equal(t, 1, j.Attempt, "patience does not count")
		require.EqualValues(t, 4, tries.Load())
	})
}

func TestAJobWaitsForItsTimeAndIsGivenUpAfterItsDeadline(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		began := make(chan time.Time, 10)
		r := newRig(t, does(func(ctx context.Context, w work) error {
			began <- time.Now()
			if w.N == 2 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}), set...)
		due := time.Now().Add(700 * time.Millisecond)
		id := r.enqueue(t, work{N: 1}, job.At(due))
		require.Equal(t, job.Scheduled, r.job(t, id).State)
		require.False(t, (<-began).Before(due.Truncate(time.Millisecond)))
		r.becomes(t, id, job.Completed)

		j := r.becomes(t, r.enqueue(t, work{N: 2}, job.Before(time.Now().Add(time.Second))), job.Failed)
		require.Contains(t, j.Error, "job.deadline_passed")
		far := r.enqueue(t, work{N: 3}, job.In(time.Hour))
		require.NoError(t, r.inspector.Retry(t.Context(), far))
		r.becomes(t, far, job.Completed)
	})
}

func TestAHandlerThatPanicsOrIgnoresItsContextHarmsNobody(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		release := make(chan struct{})
		r := newRig(t, does(func(ctx context.Context, w work) error {
			switch w.N {
			case 1:
				panic("help")
			case 2:
				<-release // whatever ctx says
			case 3:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, job.MaxAttempts(1), job.Timeout(100*time.Millisecond)), set...)
		defer close(release)
		ids := make([]uuid.UUID, 5)
		for n := range ids {
			ids[n] = r.enqueue(t, work{N: n})
		}
		require.Contains(t, r.becomes(t, ids[1], job.Failed).Error, "panic: help")
		require.Contains(t, r.becomes(t, ids[2], job.Failed).Error, "nor obeyed its context")
		require.Contains(t, r.becomes(t, ids[3], job.Failed).Error, context.DeadlineExceeded.Error())
		r.becomes(t, ids[4], job.Completed)
	})
}

func TestAJobIsDoneAsIfWhoeverAskedForItWereCalling(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		type who struct {
			tenant, actor uuid.UUID
			request       string
			system        bool
			attempt       int
		}
		got := make(chan who, 1)
		r := newRig(t, does(func(ctx context.Context, _ work) error {
			var w who
			w.tenant, _ = tenant.FromContext(ctx)
			if c, ok := auth.FromContext(ctx); ok {
				w.actor = c.UserID
			}
			_, w.system = tenant.SystemReason(ctx)
			w.request = logger.FromContext(ctx).ID
			j, _ := job.FromContext(ctx)
			w.attempt = j.Attempt
			got <- w
			return nil
		}), set...)
		actor := uuid.New()
		ctx := auth.NewContext(r.ctx(), &auth.Caller{UserID: actor, TenantID: r.tenant})
		_, err := r.jobs.Enqueue(logger.NewContext(ctx, &logger.Request{ID: "req-1"}), work{})
		require.NoError(t, err)
		require.Equal(t, who{tenant: r.tenant, actor: actor, request: "req-1", attempt: 1}, <-got)
	})
}

func TestAUniqueJobIsThereOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		release := make(chan struct{})
		r := newRig(t, does(func(_ context.Context, w work) error {
			if w.N == 0 {
				<-release
			}
			return nil
		}), set...)
		first := r.enqueue(t, work{}, job.Unique("k", 0))
		require.Equal(t, first, r.enqueue(t, work{N: 1}, job.Unique("k", 0)))
		other := r.enqueue(t, work{N: 1}, job.Unique("other", time.Hour))
		require.NotEqual(t, first, other)
		_, err := r.jobs.Enqueue(tenant.NewContext(t.Context(), uuid.New()), work{N: 1}, job.Unique("k", 0))
		require.NoError(t, err)
		close(release)
		r.settled(t)
		require.NotEqual(t, first, r.enqueue(t, work{N: 1}, job.Unique("k", 0)), "it is done")
		require.Equal(t, other, r.enqueue(t, work{N: 1}, job.Unique("other", 0)), "its window is open")
		require.Len(t, r.Rows(t, "SELECT id FROM jobs_jobs"), 4)
	})
}

func TestWorkThatCouldNeverBeDoneIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, does(func(context.Context, work) error { return nil }))
	for name, tt := range map[string]struct {
		args job.Args
		opts []job.Option
		want error
	}{
		"a kind that nobody does":          {stranger{}, nil, job.ErrUnknownKind},
		"twenty megabytes":                 {work{Fill: strings.Repeat("x", 20<<20)}, nil, job.ErrTooLarge},
		"another version":                  {oldWork{}, nil, job.ErrInvalid},
		"a queue that is not there":        {work{}, []job.Option{job.Queue("nowhere")}, job.ErrInvalid},
		"a priority that is not there":     {work{}, []job.Option{job.Priority(5)}, job.ErrInvalid},
		"a deadline before its time":       {work{}, []job.Option{job.In(time.Hour), job.Before(time.Now().Add(time.Minute))}, job.ErrInvalid},
		"a key that is no text":            {work{}, []job.Option{job.Unique("\xff", 0)}, job.ErrInvalid},
		"more attempts than anybody needs": {work{}, []job.Option{job.MaxAttempts(1e6)}, job.ErrInvalid},
	} {
		_, err := r.jobs.Enqueue(r.ctx(), tt.args, tt.opts...)
		require.ErrorIs(t, err, tt.want, name)
	}
	require.Empty(t, r.Rows(t, "SELECT id FROM jobs_jobs"))
}

// oldWork says that it is a version that the handler does not have.
type oldWork struct{ work }

func (oldWork) Version() int { return 1 }

func TestWhatAReplicaDoesNotKnowWaitsAndOlderVersionsAreBroughtUpToDate(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		done := make(chan work, 10)
		handler := job.On(func(_ context.Context, w work) error { done <- w; return nil })
		handler.Upcasts = []job.Upcast{{From: 1, To: func(args json.RawMessage) (json.RawMessage, error) {
			var old struct{ Number int }
			err := json.Unmarshal(args, &old)
			return json.RawMessage(fmt.Sprintf(`{"n":%d}`, old.Number)), err
		}}}
		r := newRig(t, probe{handlers: []job.Handler{handler}}, set...)
		id := func(kind string, version int, args string) uuid.UUID {
			id := r.enqueue(t, work{}, job.In(time.Hour))
			r.Tamper(t, fmt.Sprintf(`UPDATE jobs_jobs SET kind = '%s', version = %d, args = '%s', due_ms = 1 WHERE id = '%s'`, kind, version, args, id))
			return id
		}
		older, newer, unknown := id("probe.work", 1, `{"number":5}`), id("probe.work", 3, `{}`), id("probe.unheard_of", 1, `{}`)
		ancient, broken, text := id("probe.work", 0, `{}`), id("probe.work", 2, `{"n":"five"}`), id("probe.work", 2, `{`)
		require.Equal(t, 5, (<-done).N)
		r.becomes(t, older, job.Completed)
		for _, id := range []uuid.UUID{newer, unknown} {
			j := r.becomes(t, id, job.Retrying)
			require.Contains(t, j.Error, "this replica cannot do it yet")
			require.Zero(t, j.Attempt)
			require.True(t, j.Due.After(time.Now()))
		}
		require.Contains(t, r.becomes(t, ancient, job.Failed).Error, "job.version_unsupported")
		require.Contains(t, r.becomes(t, broken, job.Failed).Error, "job.payload_invalid")
		require.Contains(t, r.becomes(t, text, job.Failed).Error, "job.payload_invalid")
	})
}

func TestARunningJobIsCanceledOnWhicheverReplica(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		began := make(chan struct{}, 10)
		p := does(func(ctx context.Context, _ work) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		r := newRig(t, p, set...)
		other := sharedRig(t, p, r.DatabaseURL(), set...)
		running, waiting := r.enqueue(t, work{}), r.enqueue(t, work{}, job.In(time.Hour))
		<-began
		require.NoError(t, other.inspector.Cancel(t.Context(), running))
		require.NoError(t, other.inspector.Cancel(t.Context(), waiting))
		asked := time.Now()
		require.Equal(t, job.Canceled, r.job(t, waiting).State)
		r.becomes(t, running, job.Canceled)
		require.Less(t, time.Since(asked), 20*time.Second)
		require.ErrorIs(t, r.inspector.Cancel(t.Context(), running), job.ErrState)
		require.ErrorIs(t, r.inspector.Cancel(t.Context(), uuid.New()), job.ErrNotFound)

		require.NoError(t, r.inspector.Retry(t.Context(), running))
		<-began
		require.ErrorIs(t, r.inspector.Delete(t.Context(), running), job.ErrState)
		require.NoError(t, r.inspector.Cancel(t.Context(), running))
		r.becomes(t, running, job.Canceled)
		require.NoError(t, r.inspector.Delete(t.Context(), running))
		_, err := r.inspector.Job(t.Context(), running)
		require.ErrorIs(t, err, job.ErrNotFound)
	})
}

func TestAWorkerThatHasLostItsJobChangesNothing(t *testing.T) {
	t.Parallel()
	var r *rig
	began, goOn := make(chan uuid.UUID, 1), make(chan struct{})
	lost := make(chan error, 1)
	var tries atomic.Int32
	r = newRig(t, does(func(ctx context.Context, w work) error {
		if tries.Add(1) == 1 {
			j, _ := job.FromContext(ctx)
			began <- j.ID
			<-goOn
			err := r.effect(context.WithoutCancel(ctx), 1)
			lost <- err
			return err
		}
		return r.effect(ctx, 2)
	}))
	id := r.enqueue(t, work{})
	require.Equal(t, id, <-began)
	r.Tamper(t, "UPDATE jobs_jobs SET state = 0, owner = '', token = '', dispatched_ms = 0") // as the keeper does with the dead
	r.becomes(t, id, job.Completed)
	close(goOn)
	require.ErrorIs(t, <-lost, job.ErrLost)
	rows := r.Rows(t, "SELECT n FROM probe_effects")
	require.Equal(t, []map[string]string{{"n": "2"}}, rows)
	require.JSONEq(t, `{"n":2}`, string(r.job(t, id).Result))
}

func TestAPausedQueueBeginsNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, set []string) {
		var done seen
		r := newRig(t, does(func(_ context.Context, w work) error { done.add("%d", w.N); return nil }), append(set, "jobs.queues=default=2,slow=1")...)
		require.NoError(t, r.inspector.PauseQueue(t.Context(), "slow", true))
		require.ErrorIs(t, r.inspector.PauseQueue(t.Context(), "none", true), job.ErrUnknownName)
		paused := r.enqueue(t, work{N: 1}, job.Queue("slow"))
		r.becomes(t, r.enqueue(t, work{N: 2}), job.Completed)
		queues, err := r.inspector.Queues(t.Context())
		require.NoError(t, err)
		require.Len(t, queues, 2)
		require.True(t, queues[1].Paused)
		require.Equal(t, 1, queues[1].Queued)
		require.False(t, queues[1].Oldest.IsZero())
		require.Positive(t, queues[0].Throughput)
		require.Equal(t, []string{"2"}, done.list())
		require.NoError(t, r.inspector.PauseQueue(t.Context(), "slow", false))
		r.becomes(t, paused, job.Completed)
	})
}
