package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
)

// What has failed changes between waiting and ready all the time, and at no moment may a later one slip past it.
func TestNoEventSlipsPastAnEarlierOneOfItsKeyThatIsJustMadeReady(t *testing.T) {
	t.Parallel()
	var o *outbox.Outbox
	r := &rig{tenant: uuid.New()}
	r.App = testapp.New(t, append(modules.All(), probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		if m.N == 0 {
			return errors.New("not yet")
		}
		return r.effect(ctx, m)
	}}}}), testapp.Options{
		Set:   []string{"events.retry_after=1h", "events.retry_at_most=1h", "events.max_attempts=1000000"},
		Extra: []fx.Option{fx.Populate(&o)},
	})
	r.makeEffects(t)
	inbox := outbox.NewInbox(o)
	receive := func(n int) {
		data, err := json.Marshal(made{N: n, K: "k"})
		require.NoError(t, err)
		id := uuid.Must(uuid.NewV7())
		received, err := inbox.Receive(t.Context(), "probe.listener", &event.Envelope{
			ID: id, Topic: made{}.Topic(), Version: made{}.Version(), Key: "k", Tenant: r.tenant, Time: time.Now(), Data: data,
		})
		require.NoError(t, err)
		require.Equal(t, 1, received)
	}
	receive(0)
	ctx, stop := context.WithCancel(r.ctx())
	var turning sync.WaitGroup
	turning.Go(func() {
		for ctx.Err() == nil {
			_ = r.Database.Exec(ctx, "UPDATE outbox_deliveries SET state = 1 - state, next_ms = 4102444800000 WHERE attempts > 0", []any{}, nil)
		}
	})
	for n := 1; n <= 300; n++ {
		receive(n)
		// It is before the next one, too, which shall find nothing but the first.
		require.NoError(t, r.Database.Exec(r.ctx(), "DELETE FROM outbox_deliveries WHERE attempts = 0", []any{}, nil))
	}
	stop()
	turning.Wait()
	require.Empty(t, r.effects(t))
}

func TestEventsThatCameTogetherAreHandledAsFarAsTheirOrderAndTheirHandlersAllow(t *testing.T) {
	t.Parallel()
	var o *outbox.Outbox
	r := &rig{tenant: uuid.New()}
	r.App = testapp.New(t, append(modules.All(), probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
		return errors.Join(r.effect(ctx, m), map[string]error{"bad": errors.New("not yet")}[m.K])
	}}}}), testapp.Options{
		Set: []string{ // a broker that is not there
			"events.carrier=nats", "nats.url=nats://127.0.0.1:1", "events.retry_after=1h", "events.retry_at_most=1h",
		},
		Extra: []fx.Option{fx.Populate(&o, &r.publisher)},
	})
	r.makeEffects(t)
	inbox := outbox.NewInbox(o)
	published := func(events ...made) (all []*event.Envelope) {
		r.publish(t, events...)
		for _, row := range r.Rows(t, "SELECT event_id FROM outbox_deliveries ORDER BY id") {
			all = append(all, &event.Envelope{ID: uuid.MustParse(row["event_id"])})
		}
		all = all[len(all)-len(events):]
		for i, m := range events {
			data, err := json.Marshal(m)
			require.NoError(t, err)
			*all[i] = event.Envelope{ID: all[i].ID, Topic: m.Topic(), Version: m.Version(), Key: m.K, Tenant: r.tenant, Time: time.Now(), Data: data}
		}
		return all
	}
	receive := func(want int, wanted error, events ...*event.Envelope) {
		t.Helper()
		n, err := inbox.Receive(t.Context(), "probe.listener", events...)
		for more := n; err == nil && n < want && more > 0; n += more { // one at a time where a busy machine makes the handlers slow
			more, err = inbox.Receive(t.Context(), "probe.listener", events[n:]...)
		}
		require.ErrorIs(t, err, wanted)
		require.Equal(t, want, n)
	}
	first := published(made{N: 0}, made{N: 1}, made{N: 2})
	receive(1, nil, first...) // it is not known yet how slow they are
	receive(2, nil, first[1:]...)
	receive(3, nil, first...) // they have been handled

	k := published(made{N: 0, K: "k"}, made{N: 1, K: "k"}, made{N: 2, K: "k"})
	receive(0, outbox.ErrEarly, k[1])
	receive(0, outbox.ErrEarly, k[1], k[0])
	receive(1, nil, k[0], k[2], k[1])
	receive(2, nil, k[1], k[2])

	bad := published(made{N: 0, K: "good"}, made{N: 0, K: "bad"}, made{N: 1, K: "good"}, made{N: 1, K: "bad"})
	receive(1, nil, bad...)
	receive(1, nil, bad[1:]...) // the relay has it now
	receive(2, nil, bad[2:]...)
	require.Equal(t, map[string][]int{"": upTo(3), "k": upTo(3), "good": upTo(2)}, r.effects(t))
	require.Len(t, r.Rows(t, "SELECT id FROM outbox_deliveries WHERE subscriber = 'probe.listener'"), 2, "what is bad waits")
	require.Empty(t, r.Rows(t, "SELECT id FROM outbox_deliveries WHERE subscriber <> 'probe.listener'"), "all is confirmed")
}
