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
		require.NoError(t, inbox.Receive(t.Context(), "probe.listener", &event.Envelope{
			ID: id, Topic: made{}.Topic(), Version: made{}.Version(), Key: "k", Tenant: r.tenant, Time: time.Now(), Data: data,
		}))
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
