// Package jobs keeps work in the transaction that asks for it, and has it done once that has committed: at least once, and
// once in effect where its handler completes it itself.
package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/jobs/carrier"
	"github.com/yourorg/platform/internal/jobs/ent"
	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

const (
	maxInsert   = 100 // rows in one statement
	maxKey      = 200 // bytes
	maxAttempts = 1000
	priority    = 2
)

// Jobs takes work.
type Jobs struct {
	cfg     Config
	db      *database.Driver
	client  *ent.Client
	kinds   *Kinds
	carrier carrier.Carrier
	signal  *Signal
	metrics *Metrics
	tracer  *tracing.Tracer
	log     *zap.Logger
}

var _ job.Enqueuer = (*Jobs)(nil)

// New returns jobs that hear of every commit from now on.
func New(cfg Config, db *database.Driver, kinds *Kinds, c carrier.Carrier, s *Signal, m *Metrics, tracer *tracing.Tracer, log *zap.Logger) *Jobs {
	j := &Jobs{cfg: cfg, db: db, client: ent.NewClient(ent.Driver(db)), kinds: kinds, carrier: c, signal: s, metrics: m, tracer: tracer, log: log}
	db.BeforeCommit(j.flush)
	return j
}

// order is a job that is to be kept.
type order struct {
	job.Job
	timeout time.Duration
	window  time.Duration
	state   int
	args    string
}

type pendingKey struct{}

// pending is what one transaction has asked for so far.
type pending struct {
	mu     sync.Mutex
	orders []*order
}

// Enqueue implements job.Enqueuer. The rows are written at the end of the transaction, in few statements however many there
// are; those with a unique key at once, because the answer depends on it.
func (j *Jobs) Enqueue(ctx context.Context, args job.Args, opts ...job.Option) (id uuid.UUID, err error) {
	o, err := j.order(ctx, args, opts)
	if err != nil {
		return uuid.Nil, err
	}
	keep := func(ctx context.Context) error {
		if o.UniqueKey != "" {
			id, err = j.unique(ctx, o)
			return err
		}
		id = o.ID
		return j.keep(ctx, o)
	}
	if tx.Open(ctx) {
		err = keep(ctx)
	} else {
		err = j.db.InTx(ctx, keep)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("enqueue %s: %w", o.Kind, err)
	}
	return id, nil
}

func (j *Jobs) keep(ctx context.Context, o *order) error {
	v, ok := tx.LoadOrStore(ctx, pendingKey{}, &pending{})
	if !ok {
		return fmt.Errorf("there is no transaction")
	}
	p := v.(*pending)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = append(p.orders, o)
	return nil
}

// order checks what is asked for, and writes on it what ctx knows.
func (j *Jobs) order(ctx context.Context, args job.Args, opts []job.Option) (*order, error) {
	kind := args.Kind()
	if !j.kinds.bound() {
		return nil, fmt.Errorf("enqueue %s: this process does not know who does it", kind)
	}
	h, known := j.kinds.handlers[kind]
	switch {
	case !known:
		return nil, job.ErrUnknownKind.Wrap(fmt.Errorf("enqueue: no enabled module does jobs of the kind %q", kind))
	case h.Version != args.Version():
		return nil, job.ErrInvalid.Wrap(fmt.Errorf("enqueue %s: it has version %d, and its handler has %d", kind, args.Version(), h.Version))
	}
	data, err := json.Marshal(args)
	if err != nil {
		return nil, job.ErrInvalid.Wrap(fmt.Errorf("enqueue %s: encode it: %w", kind, err))
	}
	if len(data) > j.cfg.MaxBytes {
		return nil, job.ErrTooLarge.Wrap(fmt.Errorf("enqueue %s: it has %d bytes, and jobs.max_bytes is %d", kind, len(data), j.cfg.MaxBytes))
	}
	var of job.Options
	for _, set := range append(append([]job.Option{}, h.Options...), opts...) {
		set(&of)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("enqueue %s: %w", kind, err)
	}
	now := time.Now().UTC()
	o := &order{args: string(data), timeout: cmp.Or(of.Timeout, j.cfg.Timeout), window: of.Window, Job: job.Job{
		ID: id, Kind: kind, Version: h.Version, Queue: cmp.Or(of.Queue, "default"), Priority: cmp.Or(of.Priority, priority),
		MaxAttempts: cmp.Or(of.MaxAttempts, j.cfg.MaxAttempts), Due: now, Deadline: of.Deadline, UniqueKey: of.UniqueKey, Created: now,
	}}
	if due := now.Add(max(0, of.Delay)); of.Due.IsZero() && due.After(now) {
		o.Due, o.state = due, scheduled
	} else if of.Due.After(now) {
		o.Due, o.state = of.Due, scheduled
	}
	if err := j.check(o); err != nil {
		return nil, job.ErrInvalid.Wrap(fmt.Errorf("enqueue %s: %w", kind, err))
	}
	ctx, span := tracing.Child(ctx, "enqueue "+kind, trace.SpanKindProducer, about(&o.Job)...)
	describe(ctx, &o.Job)
	span.End()
	return o, nil
}

func (j *Jobs) check(o *order) error {
	_, known := j.cfg.Queues[o.Queue]
	switch {
	case !known:
		return fmt.Errorf("jobs.queues has no queue %q", o.Queue)
	case o.Priority < 1 || o.Priority > 4:
		return fmt.Errorf("the priority %d is not between 1 and 4", o.Priority)
	case o.MaxAttempts < 1 || o.MaxAttempts > maxAttempts:
		return fmt.Errorf("%d attempts are not between 1 and %d", o.MaxAttempts, maxAttempts)
	case o.timeout < time.Millisecond:
		return fmt.Errorf("a timeout of %s is too short", o.timeout)
	case len(o.UniqueKey) > maxKey || !utf8.ValidString(o.UniqueKey) || strings.ContainsRune(o.UniqueKey, 0):
		return fmt.Errorf("its unique key has more than %d bytes, or is no text", maxKey)
	case o.window < 0:
		return fmt.Errorf("the window %s is negative", o.window)
	case !o.Deadline.IsZero() && !o.Deadline.After(o.Due):
		return fmt.Errorf("its deadline is over before it may begin")
	}
	return nil
}
