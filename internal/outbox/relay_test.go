package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestAnEventIsHandledAsIfItsPublisherWereCalling(t *testing.T) {
	t.Parallel()
	heard := make(chan context.Context, 1)
	r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		heard <- ctx
		return nil
	}}}})
	user := uuid.New()
	ctx := auth.NewContext(r.ctx(), &auth.Caller{UserID: user, TenantID: r.tenant})
	ctx = logger.NewContext(ctx, &logger.Request{ID: "request-1", TraceID: "0af7651916cd43dd8448eb211c80319c"})
	require.NoError(t, r.publisher.Publish(ctx, made{N: 7, K: "k"}))

	got := <-heard
	e, ok := event.FromContext(got)
	require.True(t, ok)
	require.Equal(t, "probe.thing.made", e.Topic)
	require.Equal(t, 2, e.Version)
	require.Equal(t, "k", e.Key)
	require.JSONEq(t, `{"n":7,"k":"k"}`, string(e.Data))
	caller, _ := auth.FromContext(got)
	require.Equal(t, &auth.Caller{UserID: user, TenantID: r.tenant}, caller)
	id, _ := tenant.FromContext(got)
	require.Equal(t, r.tenant, id)
	require.Equal(t, &logger.Request{ID: "request-1", TraceID: "0af7651916cd43dd8448eb211c80319c"}, logger.FromContext(got))
	_, system := tenant.SystemReason(got)
	require.False(t, system, "a handler sees its tenant only")
}

func TestAHandlerOfAnEventWithoutATenantSeesNoTenant(t *testing.T) {
	t.Parallel()
	heard := make(chan context.Context, 1)
	r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		heard <- ctx
		return nil
	}}}})
	require.NoError(t, r.publisher.Publish(context.Background(), made{}))
	got := <-heard
	_, there := tenant.FromContext(got)
	require.False(t, there)
	_, system := tenant.SystemReason(got)
	require.False(t, system)
}

func TestEventsAreCommittedWithTheWorkOrNotAtAll(t *testing.T) {
	t.Parallel()
	var r *rig
	ready := make(chan struct{})
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		return r.effect(ctx, m)
	}}}})
	close(ready)
	failure := errors.New("no")
	require.ErrorIs(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		require.NoError(t, r.publisher.Publish(ctx, made{N: 0, K: "undone"}))
		return failure
	}), failure)
	r.publish(t, made{N: 0, K: "done"}, made{N: 1, K: "done"})
	r.settled(t)
	require.Equal(t, map[string][]int{"done": {0, 1}}, r.effects(t))
	all, err := r.inspector.Events(t.Context(), event.Filter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func TestWhatAHandlerDidBeforeItFailedIsUndone(t *testing.T) {
	t.Parallel()
	var r *rig
	var tries atomic.Int32
	ready := make(chan struct{})
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		if err := r.effect(ctx, m); err != nil {
			return err
		}
		if m.N == 3 && tries.Add(1) < 4 {
			return errors.New("not yet")
		}
		return nil
	}}}})
	close(ready)
	for n := range 6 {
		r.publish(t, made{N: n, K: "k"})
	}
	r.settled(t)
	require.Equal(t, map[string][]int{"k": upTo(6)}, r.effects(t), "in order, and once in effect")
	require.EqualValues(t, 4, tries.Load())
}

func TestAFailingEventHoldsUpItsKeyAndNothingElse(t *testing.T) {
	t.Parallel()
	var r *rig
	ready := make(chan struct{})
	var mended atomic.Bool
	var other seen
	r = newRig(t, probe{subscribers: []*reacts{
		{"probe.fails", func(ctx context.Context, m made) error {
			<-ready
			if m.K == "bad" && m.N == 0 && !mended.Load() {
				return errors.New("not now")
			}
			return r.effect(ctx, m)
		}},
		{"probe.works", func(_ context.Context, m made) error {
			other.add("%s %d", m.K, m.N)
			return nil
		}},
	}}, "events.max_attempts=1000000")
	close(ready)
	for n := range 20 {
		r.publish(t, made{N: n, K: "bad"}, made{N: n, K: "good"})
	}
	require.Eventually(t, func() bool { return len(other.list()) == 40 && len(r.effects(t)["good"]) == 20 }, time.Minute, 5*time.Millisecond)
	require.Empty(t, r.effects(t)["bad"])
	mended.Store(true)
	r.settled(t)
	require.Equal(t, map[string][]int{"bad": upTo(20), "good": upTo(20)}, r.effects(t))
}

func TestAPoisonedEventIsParkedAndCanBeReplayed(t *testing.T) {
	t.Parallel()
	var r *rig
	ready := make(chan struct{})
	var mended atomic.Bool
	var tries atomic.Int32
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		if m.N == 0 && !mended.Load() {
			tries.Add(1)
			return errors.New("it cannot\x00 be")
		}
		return r.effect(ctx, m)
	}}}}, "events.max_attempts=3")
	close(ready)
	r.publish(t, made{N: 0, K: "k"}, made{N: 1, K: "k"})
	r.settled(t)
	require.Equal(t, map[string][]int{"k": {1}}, r.effects(t), "what was behind it goes on")
	require.EqualValues(t, 3, tries.Load())
	parked := r.parked(t)
	require.Len(t, parked, 1)
	require.Equal(t, "it cannot? be", parked[0].Error)
	require.Equal(t, 3, parked[0].Attempts)
	require.Equal(t, "probe.thing.made", parked[0].Topic)

	mended.Store(true)
	n, err := r.inspector.Replay(t.Context(), parked[0].Event, "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	r.settled(t)
	require.Equal(t, map[string][]int{"k": {1, 0}}, r.effects(t))
	require.Empty(t, r.parked(t))

	n, err = r.inspector.Replay(t.Context(), parked[0].Event, "probe.listener")
	require.NoError(t, err)
	require.Equal(t, 1, n, "also what was handled, when it is asked for by name")
	r.settled(t)
	require.Equal(t, map[string][]int{"k": {1, 0, 0}}, r.effects(t))
	_, err = r.inspector.Replay(t.Context(), parked[0].Event, "probe.nobody")
	require.ErrorIs(t, err, event.ErrNoSubscriber)
	_, err = r.inspector.Replay(t.Context(), uuid.New(), "")
	require.ErrorIs(t, err, event.ErrNotFound)
}

func TestHandlersThatMisbehaveAreGivenUpOnAndHoldUpNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	var fine atomic.Int32
	r := newRig(t, probe{subscribers: []*reacts{
		{"probe.ends", func(context.Context, made) error { panic("the handler is broken") }},
		{"probe.hangs", func(context.Context, made) error { <-release; return nil }},
		{"probe.waits", func(ctx context.Context, _ made) error { <-ctx.Done(); return ctx.Err() }},
		{"probe.works", func(context.Context, made) error { fine.Add(1); return nil }},
	}}, "events.max_attempts=2", "events.handler_timeout=50ms")
	r.publish(t, made{N: 1})
	r.settled(t)
	require.EqualValues(t, 1, fine.Load())
	failures := map[string]string{}
	for _, d := range r.parked(t) {
		failures[d.Subscriber] = d.Error
	}
	require.Contains(t, failures["probe.ends"], "event.handler_panicked: panic: the handler is broken")
	require.Contains(t, failures["probe.hangs"], "event.handler_stuck")
	require.Contains(t, failures["probe.waits"], "deadline exceeded")
	require.Len(t, failures, 3)
}

func TestReplicasShareTheWorkAndKeepTheOrder(t *testing.T) {
	t.Parallel()
	const keys, each = 6, 40
	var first *rig
	ready := make(chan struct{})
	listener := func() probe {
		return probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
			<-ready
			if rand.N(20) == 0 {
				return errors.New("it happens")
			}
			return first.effect(ctx, m) // with the transaction in ctx, whichever replica's it is
		}}}}
	}
	first = newRig(t, listener(), "events.max_attempts=1000")
	second := sharedRig(t, listener(), first.DatabaseURL(), "events.max_attempts=1000")
	second.tenant = first.tenant
	close(ready)
	var publishing sync.WaitGroup
	for k := range keys {
		from := []*rig{first, second}[k%2]
		publishing.Go(func() {
			for n := range each {
				from.publish(t, made{N: n, K: fmt.Sprint(k)})
			}
		})
	}
	publishing.Wait()
	first.settled(t)
	effects := first.effects(t)
	for k := range keys {
		require.Equal(t, upTo(each), effects[fmt.Sprint(k)])
	}
}

func TestAnEventThatCommitsLateIsNotMissed(t *testing.T) {
	t.Parallel()
	if !testapp.Postgres() {
		t.Skip("SQLite has one writer: nothing commits late")
	}
	var heard seen
	r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(_ context.Context, m made) error {
		heard.add("%d", m.N)
		return nil
	}}}})
	require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		require.NoError(t, r.publisher.Publish(ctx, made{N: 1}))
		require.NoError(t, r.Database.Settle(ctx)) // its rows are there, and nobody sees them yet
		r.publish(t, made{N: 2})
		require.Eventually(t, func() bool { return len(heard.list()) == 1 }, time.Minute, time.Millisecond)
		return nil
	}))
	r.settled(t)
	require.Equal(t, []string{"2", "1"}, heard.list())
}

func TestATenantsBacklogDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	const backlog = 3000
	var loud, quiet atomic.Int32
	var done atomic.Int32 // how much of the backlog was handled when the other tenant was served
	begin := make(chan struct{})
	small := uuid.Max // the last one in every lane
	r := newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, _ made) error {
		<-begin
		if id, _ := tenant.FromContext(ctx); id != small {
			loud.Add(1)
			spin(200 * time.Microsecond)
			return nil
		}
		if quiet.Add(1) == 10 {
			done.Store(loud.Load())
		}
		return nil
	}}}}, "events.handler_timeout=1m")
	all := make([]made, backlog)
	for n := range all {
		all[n] = made{N: n, K: fmt.Sprint(n % 50)}
	}
	r.publish(t, all...)
	r.tenant = small
	r.publish(t, all[:10]...)
	close(begin)
	require.Eventually(t, func() bool { return quiet.Load() == 10 }, 30*time.Second, time.Millisecond)
	require.Less(t, done.Load(), int32(backlog/2), "it had its turn long before the backlog was done")
}

// spin is work.
func spin(d time.Duration) {
	for begun := time.Now(); time.Since(begun) < d; {
	}
}

func TestAHandlerPublishesInItsTransaction(t *testing.T) {
	t.Parallel()
	var r *rig
	ready := make(chan struct{})
	var tries atomic.Int32
	r = newRig(t, probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		<-ready
		if m.N < 3 {
			if err := r.publisher.Publish(ctx, made{N: m.N + 1, K: m.K}); err != nil {
				return err
			}
		}
		if tries.Add(1)%2 == 1 {
			return errors.New("what it published is undone too")
		}
		return r.effect(ctx, m)
	}}}})
	close(ready)
	r.publish(t, made{N: 0, K: "k"})
	r.settled(t)
	require.Equal(t, map[string][]int{"k": upTo(4)}, r.effects(t))
	all, err := r.inspector.Events(t.Context(), event.Filter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 4)
}
