package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/yourorg/platform/internal/lease"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	brokerPrefix = "@" // begins the name of a destination that is no subscriber but a topic of the broker
	leaseName    = "outbox.relay"
	dueInterval  = 250 * time.Millisecond // how often what waits is looked through
)

// Broker takes events out of the process.
type Broker interface {
	// Send returns how many of the events, from the first one on, the broker has safely taken.
	Send(ctx context.Context, events []*event.Envelope) (int, error)
}

// Relay delivers what has been committed: it calls the subscribers, or hands the events to the broker. Any number of
// replicas may run it. On Postgres they share the work, lane by lane; on SQLite one of them does it.
type Relay struct {
	*Outbox
	outside Broker // nil without one
	leases  *lease.Leases
	slots   *semaphore.Weighted
	hands   map[string]*hands
	queues  []*queue
	running sync.WaitGroup

	quit chan struct{}      // closed when no further work is to be begun
	halt context.CancelFunc // ends the work that is under way
}

// queue is a destination that workers share.
type queue struct {
	*destination
	wake  chan struct{}
	hands *hands // nil for the broker
	room  func(ctx context.Context) (int, error)

	mu     sync.Mutex
	lane   int              // where the round is
	served [lanes]uuid.UUID // whose turn was the last one in each lane
	taken  [lanes]bool
}

// NewRelay returns a relay that does nothing before Start.
func NewRelay(o *Outbox, broker Broker, leases *lease.Leases) *Relay {
	r := &Relay{
		Outbox: o, outside: broker, leases: leases, hands: map[string]*hands{},
		slots: semaphore.NewWeighted(int64(o.cfg.Concurrency)), quit: make(chan struct{}),
	}
	for _, s := range o.topics.Subscribers() {
		h := &hands{Subscriber: s, topics: o.topics, timeout: o.cfg.HandlerTimeout, errors: o.errors, tracer: o.tracer}
		r.hands[s.Name] = h
		r.queues = append(r.queues, &queue{
			destination: &destination{name: s.Name, take: r.called(h), held: true},
			wake:        o.signal.queue(s.Name, o.workers()), hands: h, lane: -1,
		})
	}
	if broker == nil {
		return r
	}
	for _, topic := range slices.Sorted(maps.Keys(o.topics.declared)) {
		name := brokered(o.cfg.Broker(), topic)
		r.queues = append(r.queues, &queue{
			destination: &destination{name: name, take: r.sent, held: o.db.Dialect() == dialect.Postgres},
			wake:        o.signal.queue(name, 1), lane: -1,
			room: func(ctx context.Context) (int, error) { return o.room(ctx, name) },
		})
	}
	return r
}

// brokered is the destination of the events of a topic with a broker.
func brokered(carrier, topic string) string { return brokerPrefix + carrier + "/" + topic }

func isSubscriber(to string) bool { return !strings.HasPrefix(to, brokerPrefix) }

// Start begins to deliver.
func (r *Relay) Start(ctx context.Context) error {
	for _, q := range r.queues {
		if err := makeLanes(ctx, r.db, q.name); err != nil {
			return err
		}
	}
	work, halt := context.WithCancel(context.Background())
	r.halt = halt
	r.running.Go(func() {
		if r.db.Dialect() == dialect.Postgres {
			r.run(work)
			return
		}
		campaign, cancel := context.WithCancel(work)
		defer cancel()
		go func() { // the lease is no longer wanted; what is under way ends by itself
			<-r.quit
			cancel()
		}()
		r.leases.Hold(campaign, leaseName, r.cfg.Lease, func(held context.Context, _ lease.Lease) { r.runHeld(work, held) }, func(err error) {
			r.log.Warn("the lease of the relay cannot be kept", zap.Error(err))
		})
	})
	return nil
}

// runHeld works until the relay stops or the lease is lost: the end of the campaign for it does not interrupt the work.
func (r *Relay) runHeld(work, held context.Context) {
	ctx, cancel := context.WithCancel(work)
	defer cancel()
	defer context.AfterFunc(held, func() {
		if errors.Is(context.Cause(held), lease.ErrLost) {
			cancel()
		}
	})()
	r.run(ctx)
}

// run works until the relay stops or ctx ends.
func (r *Relay) run(ctx context.Context) {
	var all, listeners sync.WaitGroup
	listening, cancel := context.WithCancel(ctx)
	listeners.Go(func() { r.signal.listen(listening, r.cfg.PollInterval) })
	for _, q := range r.queues {
		for range cap(q.wake) {
			all.Go(func() { r.work(ctx, q) })
		}
	}
	all.Go(func() { r.revive(ctx) })
	all.Wait()
	cancel()
	listeners.Wait()
}

// Stop begins nothing more and waits for what is under way. What does not end while ctx allows is given back: its
// transaction is rolled back.
func (r *Relay) Stop(ctx context.Context) error {
	close(r.quit)
	ended := make(chan struct{})
	go func() {
		r.running.Wait()
		close(ended)
	}()
	defer r.halt()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	r.halt()
	select {
	case <-ended:
		return nil
	case <-time.After(2 * grace):
		return fmt.Errorf("stop the relay: %w", ctx.Err())
	}
}

func (r *Relay) stopping() bool {
	select {
	case <-r.quit:
		return true
	default:
		return false
	}
}

// work delivers to one destination, one batch after the other.
func (r *Relay) work(ctx context.Context, q *queue) {
	failures := 0
	for ctx.Err() == nil && !r.stopping() {
		more, err := r.round(ctx, q)
		wait := r.cfg.PollInterval
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			if failures == 1 {
				r.log.Warn("events cannot be delivered for now", zap.String("to", q.name), zap.Error(err))
			}
			wait = pause(r.cfg, failures)
		default:
			if failures > 0 {
				r.log.Info("events are delivered again", zap.String("to", q.name))
			}
			failures = 0
			if more {
				continue
			}
		}
		wake := q.wake
		if err != nil {
			wake = nil // new events do not make it better
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.quit:
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round goes on from where the last one was until something was delivered, and returns false when it came round without
// finding anything to do. The lanes take turns, and in each lane the tenants, so nobody waits for the end of somebody's
// backlog.
func (r *Relay) round(ctx context.Context, q *queue) (more bool, err error) {
	if q.hands != nil && q.hands.paused() {
		return false, nil
	}
	if err := r.slots.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer r.slots.Release(1)
	limit := batchSize
	if q.room != nil {
		if limit, err = q.room(ctx); err != nil || limit == 0 {
			return false, err
		}
	}
	for wrapped := 0; wrapped < 2 && !r.stopping(); {
		at, next, err := r.advance(ctx, q)
		switch {
		case err != nil:
			return false, err
		case next == roundEnds:
			wrapped++
			continue
		case next == laneTaken:
			continue
		}
		touched, err := r.claimed(ctx, q, at, limit)
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil || touched > 0 {
			return touched > 0, err
		}
	}
	return false, nil
}

// claimed delivers while no other worker of this replica is in the lane, also between a failure and the note about it.
func (r *Relay) claimed(ctx context.Context, q *queue, at place, limit int) (int, error) {
	defer q.release(at.lane)
	touched, err := r.deliver(ctx, q.destination, at, limit)
	if !errors.Is(err, errLocked) { // another replica has it: the tenant has not had its turn
		q.serve(at)
	}
	return touched, err
}

// What advance has found.
const (
	laneClaimed = iota
	laneTaken   // by another worker of this replica
	roundEnds
)

// advance moves to the next lane where something is ready and takes it, for the tenant whose turn it is there.
func (r *Relay) advance(ctx context.Context, q *queue) (at place, next int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ctx = tenant.System(ctx, "outbox")
	at, found, err := nextPlace(ctx, r.db, q.name, q.lane, q.served[:])
	if err != nil {
		return at, roundEnds, err
	}
	if !found {
		q.lane = -1
		return at, roundEnds, nil
	}
	q.lane = at.lane
	mine := at.lane % lanes // another release may have had more of them
	if q.taken[mine] {
		return at, laneTaken, nil
	}
	q.taken[mine] = true
	return at, laneClaimed, nil
}

func (q *queue) release(lane int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken[lane%lanes] = false
}

func (q *queue) serve(at place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.served[at.lane%lanes] = at.tenant
}

// revive makes ready again what has waited long enough.
func (r *Relay) revive(ctx context.Context) {
	tick := time.NewTicker(dueInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.quit:
			return
		case <-tick.C:
		}
		if err := r.promoteDue(tenant.System(ctx, "outbox")); err != nil && ctx.Err() == nil {
			r.log.Debug("what is due cannot be looked for", zap.Error(err))
		}
	}
}

func (r *Relay) promoteDue(ctx context.Context) error {
	now := time.Now()
	due, err := dueLanes(ctx, r.db, now)
	if err != nil {
		return err
	}
	for to, in := range due {
		for _, lane := range in {
			err := r.db.InTx(ctx, func(ctx context.Context) error {
				if ok, err := lockLane(ctx, r.db, to, lane, false); err != nil || !ok {
					return err
				}
				_, err := promote(ctx, r.db, to, lane, now)
				return err
			})
			if err != nil {
				return err
			}
		}
		r.signal.wake(to)
	}
	return nil
}
