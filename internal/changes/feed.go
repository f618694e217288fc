// Package changes tells every replica what another one has changed, so that caches can be trusted.
package changes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/pkg/tx"
)

// Feed carries changes through a table, which works on both databases and behind any connection pooler. A change
// reaches its handlers at least once: on the replica that made it as soon as it has committed, on the others with the
// next poll.
type Feed struct {
	cfg      Config
	db       *ent.Client
	log      *zap.Logger
	handlers map[string][]func(key string)
	started  atomic.Bool

	polling sync.Mutex // guards position
	position
	read atomic.Pointer[time.Time] // when the last successful poll began

	cancel context.CancelFunc
	done   chan struct{}
}

// New returns a feed that does not poll yet: see Start.
func New(cfg Config, db *ent.Client, log *zap.Logger) *Feed {
	return &Feed{
		cfg: cfg, db: db, log: log,
		handlers: map[string][]func(string){},
		position: position{seen: map[int64]struct{}{}},
	}
}

// Subscribe calls fn for every change of topic. The empty key means that changes may have been missed: everything about
// the topic may be different. fn may be called twice for one change, and by several goroutines at once. It must be
// quick, and must not use the database: polls wait for it. Subscribe panics once the feed has started.
func (f *Feed) Subscribe(topic string, fn func(key string)) {
	if f.started.Load() {
		panic("changes: Subscribe(" + topic + ") after Start")
	}
	f.handlers[topic] = append(f.handlers[topic], fn)
}

// Announce tells every replica that what key names has changed, once the transaction in ctx has committed.
func (f *Feed) Announce(ctx context.Context, topic, key string) error {
	if topic == "" || key == "" {
		return errors.New("announce a change: the topic and the key must be given")
	}
	if err := f.db.Change.Create().SetTopic(topic).SetKey(key).Exec(ctx); err != nil {
		return fmt.Errorf("announce a change of %s: %w", topic, err)
	}
	tx.AfterCommit(ctx, func(context.Context) { f.dispatch(topic, key) })
	return nil
}

func (f *Feed) dispatch(topic, key string) {
	for _, fn := range f.handlers[topic] {
		fn(key)
	}
}

// missed tells every handler that it may not have heard of everything.
func (f *Feed) missed() {
	for topic := range f.handlers {
		f.dispatch(topic, "")
	}
}

// Start takes the newest change as its beginning and polls from there. What handlers cache must not be older than that:
// they start after the feed, which they depend on.
func (f *Feed) Start(ctx context.Context) error {
	f.started.Store(true)
	if err := f.begin(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	f.cancel, f.done = cancel, make(chan struct{})
	go f.run(run)
	return nil
}

// Stop ends the polling and waits for it, as long as ctx allows.
func (f *Feed) Stop(ctx context.Context) error {
	if f.cancel == nil {
		return nil
	}
	f.cancel()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the change feed: %w", ctx.Err())
	}
}

func (f *Feed) run(ctx context.Context) {
	defer close(f.done)
	tick := time.NewTicker(f.cfg.PollInterval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := f.Poll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing: // once, not four times a second
			f.log.Warn("the change feed cannot be read, caches are bypassed until it can", zap.Error(err))
		case err == nil && failing:
			f.log.Info("the change feed can be read again")
		}
		failing = err != nil
	}
}

// Fresh tells whether the feed has been read so recently that what is cached on its word can be trusted.
func (f *Feed) Fresh() bool {
	read := f.read.Load()
	return read != nil && elapsed(*read) < f.cfg.StaleAfter
}

// elapsed takes the larger of what the two clocks say: the monotonic one stands still while the machine is suspended,
// the other one can be set back.
func elapsed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
