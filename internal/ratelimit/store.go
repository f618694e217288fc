package ratelimit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/redis"
	"github.com/yourorg/platform/pkg/tenant"
)

// recheck is how often a Redis that was away is asked whether it is back.
const recheck = 250 * time.Millisecond

// Both scripts run on the server of Redis, whose clock counts: replicas whose clocks differ still share one limit. What a
// script does replicates by its effects, which is how every Redis since version 5 does it.
var (
	//go:embed take.lua
	takeSource string
	takeScript = goredis.NewScript(takeSource)
	undoScript = goredis.NewScript(`if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECRBY', KEYS[1], ARGV[1]) end`)
)

// Store is where the limits of all replicas are counted: Redis. Without one, or while it does not answer, it knows nothing,
// and each replica counts for itself. The first failure keeps everybody from asking until a task in the background has seen
// that Redis is back, so that one that hangs slows nobody but those who were asking already.
type Store struct {
	*meter
	client  atomic.Pointer[redis.Client] // nil when there is none
	prefix  string
	timeout time.Duration
	log     *zap.Logger

	onError atomic.Pointer[string] // what becomes of callers meanwhile

	away  atomic.Bool
	mu    sync.Mutex // guards closed, and that nothing begins after it
	ended context.Context
	close context.CancelFunc
	tasks sync.WaitGroup
}

// ask is a limit that an event is held against.
type ask struct {
	key  string
	pace pace
}

// outcome is what was decided about an event, and how far ahead each limit is after it.
type outcome struct {
	counted bool
	ahead   [2]time.Duration
}

// newStore is none.
func newStore(cfg Config) *Store {
	return &Store{meter: newMeter(), timeout: cfg.Timeout, log: zap.NewNop()}
}

// NewStore uses Redis when the configuration says so. Close ends what it begins.
func NewStore(cfg Config, r redis.Config, log *zap.Logger) (*Store, error) {
	s := newStore(cfg)
	s.log, s.prefix = log, r.Prefix
	s.ended, s.close = context.WithCancel(context.Background())
	if cfg.Store == storeMemory || cfg.Store == storeAuto && !r.Configured() {
		return s, nil
	}
	client, err := redis.Open(r, func(o *goredis.Options) {
		o.MaxRetries = -1 // to try again might count twice
	})
	if err != nil {
		return nil, fmt.Errorf("ratelimit.store: %w", err)
	}
	s.client.Store(client)
	return s, nil
}

// Close disconnects.
func (s *Store) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.tasks.Wait()
	if client := s.client.Load(); client != nil {
		return client.Close()
	}
	return nil
}

// shared tells whether there is a Redis, be it away.
func (s *Store) shared() bool { return s.client.Load() != nil }

// take counts an event for all of up to two limits, or for none. It is false when that cannot be done there.
func (s *Store) take(ctx context.Context, asks ...ask) (o outcome, known bool) {
	client := s.client.Load()
	if client == nil || s.away.Load() {
		return o, false
	}
	o, err := s.try(ctx, client, asks)
	if err != nil {
		s.lost(client, err)
	}
	return o, err == nil
}

func (s *Store) try(ctx context.Context, client *redis.Client, asks []ask) (o outcome, err error) {
	// A client that goes away is no fault of Redis.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	keys, args := make([]string, len(asks)), make([]any, 0, 2*len(asks))
	for i, a := range asks {
		keys[i] = a.key
		args = append(args, int64(a.pace.every), int64(a.pace.full))
	}
	answer, err := takeScript.Run(ctx, client, keys, args...).Int64Slice()
	if err != nil {
		return o, err
	}
	if len(answer) != 1+len(asks) {
		return o, fmt.Errorf("there are %d numbers in the answer instead of %d", len(answer), 1+len(asks))
	}
	o.counted = answer[0] == 1
	for i, ahead := range answer[1:] {
		o.ahead[i] = time.Duration(ahead)
	}
	return o, nil
}

// undo takes an event back. It is false when that is to be done here.
func (s *Store) undo(a ask) bool {
	client := s.client.Load()
	if client == nil || s.away.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if err := undoScript.Run(ctx, client, []string{a.key}, int64(a.pace.every)).Err(); err != nil && !errors.Is(err, goredis.Nil) {
		s.lost(client, err)
	}
	return true // also when it failed: that it was counted in memory is not known
}

// lost keeps everybody from asking until Redis is back.
func (s *Store) lost(client *redis.Client, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended.Err() != nil || client != s.client.Load() || s.away.Swap(true) { // or it was lost, and is back already
		return
	}
	s.fallback.Set(1)
	s.log.Warn("Redis does not count, and "+s.meanwhile(), zap.Error(err))
	s.tasks.Go(func() { s.watch(client) })
}

// watch has Redis count something, which a server that only answers pings cannot. Each attempt is a client of its own, and the
// first that works replaces the one before: a pool that has failed often dials once a second only.
func (s *Store) watch(lost *redis.Client) {
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		select {
		case <-s.ended.Done():
			return
		case <-tick.C:
		}
		client := lost.Again()
		if _, err := s.try(s.ended, client, []ask{{s.prefix + ":limit:probe", pace{time.Nanosecond, time.Second}}}); err == nil {
			s.back(client)
			return
		}
		_ = client.Close()
	}
}

func (s *Store) back(client *redis.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.client.Swap(client).Close()
	s.away.Store(false)
	s.fallback.Set(0)
	s.log.Info("Redis counts again, for all replicas")
}

// tenantKey is where Redis keeps what a tenant has used.
func (s *Store) tenantKey(id tenant.ID) string { return "{" + s.prefix + ":" + id.String() + "}:rate" }

// limitKey is where Redis keeps a key of a limit: as a hash, because keys may be somebody's address, and may be long.
func (s *Store) limitKey(limit, key string) string {
	if !s.shared() {
		return ""
	}
	sum := sha256.Sum256([]byte(limit + "\x00" + key))
	return s.prefix + ":limit:" + hex.EncodeToString(sum[:16])
}
