// Package outbox keeps events in the transaction that publishes them, and delivers them once it has committed: at least
// once, once in effect, in order for each key, and to each subscriber on its own.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/outbox/ent"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	lanes     = 8   // how many parts the deliveries of a subscriber have, each of which is worked on by one replica at a time
	maxKey    = 200 // bytes
	maxInsert = 200 // events in one statement
)

// Outbox records events.
type Outbox struct {
	cfg     Config
	db      *database.Driver
	client  *ent.Client
	topics  *Topics
	signal  *Signal
	metrics *Metrics
	errors  errorbus.Reporter
	tracer  *tracing.Tracer
	log     *zap.Logger

	broker atomic.Pointer[error] // why the broker could not be reached last time
}

var _ event.Publisher = (*Outbox)(nil)

// New returns an outbox that hears of every commit from now on.
func New(cfg Config, db *database.Driver, topics *Topics, signal *Signal, metrics *Metrics, errors errorbus.Reporter, tracer *tracing.Tracer, log *zap.Logger) *Outbox {
	o := &Outbox{cfg: cfg, db: db, client: ent.NewClient(ent.Driver(db)), topics: topics, signal: signal, metrics: metrics, errors: errors, tracer: tracer, log: log}
	db.BeforeCommit(o.flush)
	return o
}

// workers is how many work for one subscriber.
func (o *Outbox) workers() int {
	if o.db.Dialect() == dialect.SQLite {
		return 1
	}
	return o.cfg.Workers
}

type pendingKey struct{}

// pending is what one transaction has published so far.
type pending struct {
	mu     sync.Mutex
	events []*event.Envelope
}

// Publish implements event.Publisher. The rows are written at the end of the transaction: in few statements however many
// events there are, and after the locks that its other statements have waited for, so that the order of the rows is the
// order of the commits wherever one transaction had to wait for another.
func (o *Outbox) Publish(ctx context.Context, ev event.Event) error {
	e, err := o.envelope(ctx, ev)
	if err != nil {
		return err
	}
	if !tx.Open(ctx) {
		return o.db.InTx(ctx, func(ctx context.Context) error { return o.keep(ctx, e) })
	}
	return o.keep(ctx, e)
}

func (o *Outbox) keep(ctx context.Context, e *event.Envelope) error {
	v, ok := tx.LoadOrStore(ctx, pendingKey{}, &pending{})
	if !ok {
		return fmt.Errorf("publish %s: there is no transaction", e.Topic)
	}
	p := v.(*pending)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	return nil
}

// envelope checks ev and writes on it what ctx knows.
func (o *Outbox) envelope(ctx context.Context, ev event.Event) (*event.Envelope, error) {
	topic := ev.Topic()
	declared, known := o.topics.declared[topic]
	switch {
	case !known:
		return nil, event.ErrUnknownTopic.Wrap(fmt.Errorf("publish: no enabled module declares the topic %q", topic))
	case declared.Version != ev.Version():
		return nil, event.ErrInvalid.Wrap(fmt.Errorf("publish %s: it has version %d, and %d is declared", topic, ev.Version(), declared.Version))
	}
	data, err := json.Marshal(ev)
	if err != nil {
		return nil, event.ErrInvalid.Wrap(fmt.Errorf("publish %s: encode it: %w", topic, err))
	}
	if len(data) > o.cfg.MaxPayloadBytes {
		return nil, event.ErrTooLarge.Wrap(fmt.Errorf("publish %s: it has %d bytes, and events.max_payload_bytes is %d", topic, len(data), o.cfg.MaxPayloadBytes))
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", topic, err)
	}
	e := &event.Envelope{ID: id, Topic: topic, Version: ev.Version(), Time: time.Now().UTC().Truncate(time.Microsecond), Data: data}
	if keyed, ok := ev.(event.Keyed); ok {
		e.Key = keyed.OrderKey()
	}
	if len(e.Key) > maxKey || !utf8.ValidString(e.Key) || strings.ContainsRune(e.Key, 0) {
		return nil, event.ErrInvalid.Wrap(fmt.Errorf("publish %s: its key has more than %d bytes, or is no text", topic, maxKey))
	}
	ctx, span := tracing.Child(ctx, "publish "+topic, trace.SpanKindProducer, about(e)...)
	describe(ctx, e)
	span.End()
	return e, nil
}

// flush writes what the transaction in ctx has published. It runs before the commit.
func (o *Outbox) flush(ctx context.Context) error {
	p, ok := tx.Load(ctx, pendingKey{}).(*pending)
	if !ok {
		return nil
	}
	p.mu.Lock()
	events := p.events
	p.events = nil
	p.mu.Unlock()
	if len(events) == 0 {
		return nil
	}
	if !o.topics.bound() {
		return fmt.Errorf("keep %d events: this process does not know who subscribes", len(events))
	}
	woken := map[string]bool{}
	within := tenant.System(ctx, "outbox")
	for len(events) > 0 {
		part := events[:min(len(events), maxInsert)]
		events = events[len(part):]
		if err := o.insert(within, part, woken); err != nil {
			return err
		}
		tx.AfterCommit(ctx, func(context.Context) { o.metrics.published(part) })
	}
	tx.AfterCommit(ctx, func(context.Context) { o.signal.raise(woken) })
	return nil
}

// insert writes the events, and what has to be done about them.
func (o *Outbox) insert(ctx context.Context, events []*event.Envelope, woken map[string]bool) error {
	var todo []due
	for _, e := range events {
		for _, to := range o.destinations(e.Topic) {
			woken[to] = true
			todo = append(todo, due{e, to})
		}
	}
	insert := o.insertRows
	if o.db.Dialect() == dialect.Postgres {
		insert = o.insertArrays
	}
	if err := insert(ctx, events, todo); err != nil {
		return fmt.Errorf("keep %d events: %w", len(events), err)
	}
	return nil
}

// destinations are the subscribers, or the topic of the broker that goes between.
func (o *Outbox) destinations(topic string) []string {
	if broker := o.cfg.Broker(); broker != "" {
		return []string{brokered(broker, topic)}
	}
	return o.topics.of(topic)
}

// laneOf puts what has to stay in order into one lane.
func laneOf(e *event.Envelope) int {
	h := fnv.New32a()
	if e.Key == "" {
		_, _ = h.Write(e.ID[:])
	} else {
		_, _ = h.Write(e.Tenant[:])
		_, _ = h.Write([]byte(e.Key))
	}
	return int(h.Sum32() % lanes)
}
