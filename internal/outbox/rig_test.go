package outbox_test

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// made is the event of these tests.
type made struct {
	N    int    `json:"n"`
	K    string `json:"k"`
	Fill string `json:"fill,omitempty"`
}

func (made) Topic() string      { return "probe.thing.made" }
func (made) Version() int       { return 2 }
func (m made) OrderKey() string { return m.K }

// reacts is a subscriber whose handler a test chooses.
type reacts struct {
	name string
	to   func(ctx context.Context, m made) error
}

func (r *reacts) Name() string                        { return r.name }
func (r *reacts) Subscriptions() []event.Subscription { return []event.Subscription{event.On(r.to)} }

// probe is a module with an event and subscribers.
type probe struct {
	declared    []event.Declaration
	subscribers []*reacts
}

func (probe) Name() string      { return "probe" }
func (probe) Migrations() fs.FS { return nil }
func (probe) Manifest() []byte {
	return []byte("name: probe\nversion: 1.0.0\ndescription: Announces things.\n")
}

func (p probe) Init() fx.Option {
	opts := []fx.Option{module.Events(p.declared...)}
	if p.declared == nil {
		opts = []fx.Option{module.Events(event.Declare[made]())}
	}
	for _, s := range p.subscribers {
		opts = append(opts, fx.Provide(fx.Annotate(func() event.Subscriber { return s }, fx.ResultTags(`group:"subscribers"`))))
	}
	return fx.Options(opts...)
}

// rig is a platform with the probe.
type rig struct {
	*testapp.App
	publisher event.Publisher
	inspector event.Inspector
	tenant    uuid.UUID
}

var quick = []string{"events.retry_after=1ms", "events.retry_at_most=20ms", "events.poll_interval=20ms", "events.handler_timeout=5s"}

func newRig(t testing.TB, p probe, set ...string) *rig {
	t.Helper()
	return sharedRig(t, p, "", set...)
}

// sharedRig is another replica over the database of the first one.
func sharedRig(t testing.TB, p probe, url string, set ...string) *rig {
	t.Helper()
	r := &rig{tenant: uuid.New()}
	r.App = testapp.New(t, append(modules.All(), p), testapp.Options{
		Set: append(append([]string{}, quick...), set...), Database: url,
		Extra: []fx.Option{fx.Populate(&r.publisher, &r.inspector)},
	})
	if url == "" {
		r.makeEffects(t)
	}
	return r
}

// makeEffects makes the table that handlers write to.
func (r *rig) makeEffects(t testing.TB) {
	t.Helper()
	const columns = ", id text NOT NULL, k text NOT NULL, n bigint NOT NULL)"
	if testapp.Postgres() {
		r.Tamper(t, "CREATE TABLE probe_effects (seq bigint GENERATED ALWAYS AS IDENTITY"+columns, "GRANT ALL ON probe_effects TO platform_app")
		return
	}
	r.Tamper(t, "CREATE TABLE probe_effects (seq integer PRIMARY KEY AUTOINCREMENT"+columns)
}

func (r *rig) ctx() context.Context { return tenant.NewContext(context.Background(), r.tenant) }

func (r *rig) publish(t testing.TB, events ...made) {
	t.Helper()
	require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		for _, m := range events {
			if err := r.publisher.Publish(ctx, m); err != nil {
				return err
			}
		}
		return nil
	}))
}

// effect is what a handler writes: once for each event that it has handled in effect.
func (r *rig) effect(ctx context.Context, m made) error {
	e, _ := event.FromContext(ctx)
	return r.Database.Exec(ctx, "INSERT INTO probe_effects (id, k, n) VALUES ($1, $2, $3)", []any{e.ID.String(), m.K, m.N}, nil)
}

// effects lists them in the order of their commits, by key.
func (r *rig) effects(t testing.TB) map[string][]int {
	t.Helper()
	all := map[string][]int{}
	for _, row := range r.Rows(t, "SELECT k, n FROM probe_effects ORDER BY seq") {
		n, err := strconv.Atoi(row["n"])
		require.NoError(t, err)
		all[row["k"]] = append(all[row["k"]], n)
	}
	return all
}

// settled waits until no delivery is left but those that are parked.
func (r *rig) settled(t testing.TB) {
	t.Helper()
	r.settles(t, patience)
}

func (r *rig) settles(t testing.TB, within time.Duration) {
	t.Helper()
	require.Eventually(t, func() bool {
		return len(r.Rows(t, "SELECT id FROM outbox_deliveries WHERE state <> 2")) == 0
	}, within, 5*time.Millisecond)
}

func (r *rig) parked(t testing.TB) []event.Delivery {
	t.Helper()
	all, err := r.inspector.Parked(t.Context(), "", 100)
	require.NoError(t, err)
	return all
}

// seen collects what handlers have seen.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, fmt.Sprintf(format, args...))
}

func (s *seen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.all...)
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
