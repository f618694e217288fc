package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/pkg/event"
)

// other is an event that a test makes up.
type other struct {
	topic   string
	version int
	key     string
	Data    any
}

func (o other) Topic() string    { return o.topic }
func (o other) Version() int     { return o.version }
func (o other) OrderKey() string { return o.key }

func TestWhatCannotBeDeliveredIsRefusedWhenItIsPublished(t *testing.T) {
	t.Parallel()
	r := newRig(t, probe{}, "events.max_payload_bytes=2048")
	for name, tt := range map[string]struct {
		ev   event.Event
		want error
	}{
		"a topic that nobody declares":      {other{topic: "probe.thing.lost", version: 1}, event.ErrUnknownTopic},
		"a version that is not declared":    {other{topic: "probe.thing.made", version: 1}, event.ErrInvalid},
		"a payload of more than the limit":  {made{Fill: strings.Repeat("x", 2048)}, event.ErrTooLarge},
		"a payload of 20 MB":                {made{Fill: strings.Repeat("x", 20<<20)}, event.ErrTooLarge},
		"a payload that is no JSON":         {other{topic: "probe.thing.made", version: 2, Data: func() {}}, event.ErrInvalid},
		"a key that is too long":            {made{K: strings.Repeat("k", 201)}, event.ErrInvalid},
		"a key that is no text":             {made{K: "\xff"}, event.ErrInvalid},
		"a key that no database would take": {made{K: "\x00"}, event.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, r.publisher.Publish(r.ctx(), tt.ev), tt.want)
			require.ErrorIs(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error { return r.publisher.Publish(ctx, tt.ev) }), tt.want)
		})
	}
	require.Empty(t, r.Rows(t, "SELECT id FROM outbox_events"))
	require.NoError(t, r.publisher.Publish(r.ctx(), made{Fill: strings.Repeat("x", 1900), K: "<é\u2028\"'>"}), "anything else is fine")
}

func TestOlderPayloadsAreBroughtUpToDateAndOthersAreParkedWithAReason(t *testing.T) {
	t.Parallel()
	var r *rig
	ready := make(chan struct{})
	r = newRig(t, probe{
		declared: []event.Declaration{event.Declare[made](event.Upcast{From: 1, To: func(data json.RawMessage) (json.RawMessage, error) {
			var old struct{ Number int }
			if err := json.Unmarshal(data, &old); err != nil {
				return nil, err
			}
			if old.Number < 0 {
				return nil, errors.New("it was never valid")
			}
			return json.Marshal(made{N: old.Number, K: "old"})
		}})},
		subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
			<-ready
			return r.effect(ctx, m)
		}}},
	}, "events.max_attempts=2")
	close(ready)
	for version, data := range map[int][]string{
		0: {`{}`}, 1: {`{"number": 5}`, `{"number": -1}`}, 2: {`{"n": 6, "k": "new"}`, `{"n": "six"}`}, 3: {`{"n": 7}`},
	} {
		for _, d := range data {
			r.plant(t, version, d)
		}
	}
	r.settled(t)
	require.Equal(t, map[string][]int{"old": {5}, "new": {6}}, r.effects(t))
	reasons := map[string]int{}
	for _, d := range r.parked(t) {
		reasons[d.Error] = d.Attempts
	}
	require.Equal(t, map[string]int{
		"event.version_unsupported: nothing turns version 0 of probe.thing.made into version 1":                                           1,
		"event.payload_invalid: bring version 1 of probe.thing.made up to date: it was never valid":                                       1,
		"event.payload_invalid: decode probe.thing.made version 2: json: cannot unmarshal string into Go struct field made.n of type int": 1,
		"event.version_unsupported: probe.thing.made has version 3, and this replica knows only 2":                                        2,
	}, reasons, "only a version that another replica may know is tried again")
}

// plant leaves an event as another release would have written it.
func (r *rig) plant(t *testing.T, version int, data string) {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		if err := r.Database.Exec(ctx, `INSERT INTO outbox_events (id, tenant_id, topic, version, key, actor_id, request_id, trace, data, created_at)
VALUES ($1, $2, 'probe.thing.made', $3, '', $2, '', '', $4, CURRENT_TIMESTAMP)`, []any{id, r.tenant, version, data}, nil); err != nil {
			return err
		}
		return r.Database.Exec(ctx, `INSERT INTO outbox_deliveries (event_id, tenant_id, subscriber, lane, key, state, attempts, next_ms, error, changed_ms)
VALUES ($1, $2, 'probe.listener', 0, '', 0, 0, 0, '', 1)`, []any{id, r.tenant}, nil)
	}))
}

func TestTopicsAndSubscribersThatClashAreRefused(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, made) error { return nil }
	topics, err := outbox.NewTopics([]event.Declaration{event.Declare[made](), event.Declare[made]()})
	require.ErrorContains(t, err, "probe.thing.made is declared twice")
	for _, name := range []string{"", "thing", "Probe.thing.made", "probe.thing", "probe.thing.made.twice", "probe.thing-made.x", strings.Repeat("x", 100) + ".a.b"} {
		_, err := outbox.NewTopics([]event.Declaration{{Topic: name, Version: 1}})
		require.ErrorContains(t, err, "is not called <module>.<noun>.<past verb>", name)
	}
	require.ErrorContains(t, topics.Bind([]event.Subscriber{&reacts{"probe.a", nothing}, &reacts{"probe.a", nothing}}), "two subscribers are called probe.a")
	require.ErrorContains(t, topics.Bind([]event.Subscriber{&reacts{"@nats", nothing}}), `"@nats" is not called`)
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, outbox.DefaultConfig().Validate())
	for key, change := range map[string]func(*outbox.Config){
		"carrier": func(c *outbox.Config) { c.Carrier = "pigeon" }, "max_payload_bytes": func(c *outbox.Config) { c.MaxPayloadBytes = 0 },
		"max_attempts": func(c *outbox.Config) { c.MaxAttempts = 0 }, "retry_after": func(c *outbox.Config) { c.RetryAfter = 0 },
		"retry_at_most": func(c *outbox.Config) { c.RetryAtMost = 0 }, "handler_timeout": func(c *outbox.Config) { c.HandlerTimeout = 0 },
		"workers": func(c *outbox.Config) { c.Workers = 0 }, "concurrency": func(c *outbox.Config) { c.Concurrency = 0 },
		"poll_interval": func(c *outbox.Config) { c.PollInterval = 0 }, "lease": func(c *outbox.Config) { c.Lease = 0 },
		"lag_warning": func(c *outbox.Config) { c.LagWarning = 0 }, "retention": func(c *outbox.Config) { c.Retention = -1 },
		"inbox_retention": func(c *outbox.Config) { c.InboxRetention = 0 },
	} {
		cfg := outbox.DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), key)
	}
}
