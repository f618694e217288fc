package outbox_test

import (
	"context"
	"errors"
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

func TestHousekeepingRemovesWhatEverybodyHasHandledAndParksWhatNobodyWill(t *testing.T) {
	t.Parallel()
	var cleaner *outbox.Cleaner
	r := &rig{tenant: uuid.New()}
	r.App = testapp.New(t, append(modules.All(), probe{subscribers: []*reacts{{"probe.picky", func(_ context.Context, m made) error {
		if m.N == 1 {
			return event.Permanent(errors.New("no"))
		}
		return nil
	}}}}), testapp.Options{
		Set: append([]string{"events.retention=0s"}, quick...), Extra: []fx.Option{fx.Populate(&r.publisher, &r.inspector, &cleaner)},
	})
	r.publish(t, made{N: 0}, made{N: 1})
	r.settled(t)
	id := uuid.Must(uuid.NewV7())
	require.NoError(t, r.Database.Exec(r.ctx(), `INSERT INTO outbox_deliveries (event_id, tenant_id, subscriber, lane, key, state, attempts, next_ms, error, changed_ms)
VALUES ($1, $2, 'gone.subscriber', 0, '', 0, 0, 0, '', 1)`, []any{id, r.tenant}, nil))
	require.NoError(t, r.Database.Exec(t.Context(), `INSERT INTO outbox_inbox (id) VALUES ('01000000-0000-7000-8000-000000000000/probe.picky')`, []any{}, nil))

	require.Eventually(t, func() bool { // an event is old as soon as its millisecond is over
		_, err := cleaner.Tidy(t.Context())
		require.NoError(t, err)
		all, err := r.inspector.Events(t.Context(), event.Filter{Limit: 10})
		require.NoError(t, err)
		return len(all) == 1
	}, time.Minute, 5*time.Millisecond)
	require.Empty(t, r.Rows(t, "SELECT id FROM outbox_inbox"))
	parked := map[string]string{}
	for _, d := range r.parked(t) {
		parked[d.Subscriber] = d.Error
	}
	require.Equal(t, map[string]string{"probe.picky": "no", "gone.subscriber": "no enabled module has this subscriber any more"}, parked)

	other := uuid.New()
	n, err := cleaner.Erase(r.ctx(), other)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = cleaner.Erase(r.ctx(), r.tenant)
	require.NoError(t, err)
	require.Equal(t, 2, n, "the event and its delivery")
}
