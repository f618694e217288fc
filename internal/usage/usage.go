// Package usage counts what each tenant asks of the platform, by hour, and rolls it up into days.
package usage

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Recorder counts in memory and writes from time to time. Several replicas add up. A write that failed is repeated with the
// same numbers, and counts once even when nobody knows whether it has been committed; a process that is killed loses what it
// has counted since the last one.
type Recorder struct {
	cfg     Config
	db      Store
	tenants tenant.Profiles
	log     *zap.Logger
	metrics metrics
	add     map[table]string // the statements that add rows to what there is, but for the rows

	shards [shards]shard
	held   atomic.Int64  // tallies in the shards
	full   chan struct{} // told when half of the room is taken

	writing sync.Mutex
	writer  string // names this life of this process
	number  int64  // of the last batch that was made
	pending []batch
	failing bool

	stop context.CancelFunc
	done chan struct{}
}

// Store is where it writes.
type Store interface {
	dialect.Driver
	tx.Runner
}

// batch is written in one transaction. Its number tells whether it has been already.
type batch struct {
	number int64
	rows   []row
}

// New returns a recorder that writes only when it is told to before it is started.
func New(cfg Config, db Store, tenants tenant.Profiles, log *zap.Logger) *Recorder {
	r := &Recorder{
		cfg: cfg, db: db, tenants: tenants, log: log, metrics: newMetrics(), add: statements(db.Dialect()),
		full: make(chan struct{}, 1), writer: rand.Text(),
	}
	for i := range r.shards {
		r.shards[i].tallies = map[slot]*tally{}
	}
	return r
}

// Answer is a request that has been answered.
type Answer struct {
	Status  int
	In, Out int64 // the bytes of the bodies
	Took    time.Duration
}

// Answered counts a request of a tenant that ended at a time. It never blocks for longer than another tenant's request is
// counted.
func (r *Recorder) Answered(id tenant.ID, at time.Time, a Answer) {
	if !r.cfg.Enabled {
		return
	}
	us := max(a.Took.Microseconds(), 0)
	s := &r.shards[shardOf(id)]
	bucket := bucketOf(us)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := r.tally(s, id, at)
	if t == nil {
		return
	}
	t.requests++
	switch {
	case a.Status >= 500:
		t.serverErrors++
	case a.Status >= 400:
		t.clientErrors++
	}
	t.bytesIn, t.bytesOut, t.took = plus(t.bytesIn, max(a.In, 0)), plus(t.bytesOut, max(a.Out, 0)), plus(t.took, us)
	t.latency[bucket]++
}

// Consumed counts n of a unit that a tenant has used just now. What is not positive, or no unit, is left out.
func (r *Recorder) Consumed(id tenant.ID, u quota.Unit, n int64) { r.consumed(id, time.Now(), u, n) }

func (r *Recorder) consumed(id tenant.ID, at time.Time, u quota.Unit, n int64) {
	if !r.cfg.Enabled || n <= 0 {
		return
	}
	s := &r.shards[shardOf(id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := r.tally(s, id, at); t != nil && !t.consume(u, n) {
		r.metrics.dropped.Inc()
	}
}

// tally finds or makes the one of the hour, or returns nil when there is no room. It needs the lock.
func (r *Recorder) tally(s *shard, id tenant.ID, at time.Time) *tally {
	begins := at.Unix()
	k := slot{id, begins - begins%3600} // hours of UTC, whatever the zone of at
	if t := s.tallies[k]; t != nil {
		return t
	}
	held := r.held.Add(1)
	if 2*held >= int64(r.cfg.MaxTenants) {
		select {
		case r.full <- struct{}{}:
		default:
		}
	}
	if held > int64(r.cfg.MaxTenants) {
		r.held.Add(-1)
		r.metrics.dropped.Inc()
		return nil
	}
	t := &tally{}
	s.tallies[k] = t
	return t
}

// take empties the shards. All replicas write rows in the same order, so that none waits for another that waits for it.
func (r *Recorder) take() []batch {
	var rows []row
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		taken := s.tallies
		s.tallies = make(map[slot]*tally, len(taken))
		s.mu.Unlock()
		r.held.Add(-int64(len(taken)))
		for k, t := range taken {
			rows = append(rows, row{k, t})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.compare(b.slot) })
	var all []batch
	for part := range slices.Chunk(rows, batchRows) {
		r.number++
		all = append(all, batch{r.number, part})
	}
	return all
}

// Flush writes what has been counted. What cannot be written is kept for the next time.
func (r *Recorder) Flush(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	for range 2 { // what is left from before, and what has been counted since
		if len(r.pending) == 0 {
			r.pending = r.take()
		}
		for len(r.pending) > 0 {
			b := r.pending[0]
			if err := r.write(ctx, b); err != nil {
				r.metrics.failures.Inc()
				return fmt.Errorf("write the usage of tenants: %w", err)
			}
			r.metrics.rows.Add(float64(len(b.rows)))
			r.pending = r.pending[1:]
		}
	}
	return nil
}

// Start writes in the background.
func (r *Recorder) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		timer := time.NewTimer(mathrand.N(r.cfg.FlushInterval)) // replicas that start together spread out
		defer timer.Stop()
		for {
			full := r.full
			if r.failing { // more haste would not help a database that is away
				full = nil
			}
			select {
			case <-ctx.Done():
				return
			case <-full:
			case <-timer.C:
			}
			r.flush(ctx)
			timer.Reset(r.cfg.FlushInterval*4/5 + mathrand.N(r.cfg.FlushInterval*2/5))
		}
	}()
	return nil
}

// flush says so once when it does not work.
func (r *Recorder) flush(ctx context.Context) {
	err := r.Flush(ctx)
	if err != nil && !r.failing && ctx.Err() == nil {
		r.log.Warn("the usage of tenants is written later", zap.Error(err))
	}
	r.failing = err != nil
}

// Stop writes what is left, as long as ctx allows.
func (r *Recorder) Stop(ctx context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("stop counting the usage of tenants: %w", ctx.Err())
	}
	if err := r.Flush(ctx); err != nil {
		r.log.Warn("the last usage of tenants is lost", zap.Error(err))
	}
	return nil
}
