// Package asynq carries jobs through asynq, in a Redis server that may lose its memory.
package asynq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/jobs/carrier"
)

const (
	taskType    = "platform"
	feeders     = 8       // references that are on their way to Redis at once
	buffered    = 1 << 16 // references that wait to be sent; what is above is found missing, and sent later
	sendTimeout = 5 * time.Second
	goodbye     = 3 * time.Second
	look        = 50 * time.Millisecond // how often an idle queue is looked at
	unlimited   = 365 * 24 * time.Hour  // the platform itself ends what takes too long
	priorities  = 4
)

// Asynq carries references as tasks whose ids are those of the jobs.
type Asynq struct {
	redis  redis.UniversalClient
	client *asynq.Client
	prefix string
	log    *zap.Logger

	refs    chan carrier.Ref
	sending atomic.Int64
	busy    atomic.Int64 // tasks that are being worked on
	quit    chan struct{}
	feeding sync.WaitGroup
	away    atomic.Bool

	mu      sync.Mutex
	servers []*asynq.Server
}

var _ carrier.Carrier = (*Asynq)(nil)

// New returns a carrier that connects when it is first used. The prefix keeps platforms on one server apart.
func New(r redis.UniversalClient, prefix string, log *zap.Logger) *Asynq {
	a := &Asynq{
		redis: r, client: asynq.NewClientFromRedisClient(r), prefix: prefix, log: log,
		refs: make(chan carrier.Ref, buffered), quit: make(chan struct{}),
	}
	for range feeders {
		a.feeding.Go(a.feed)
	}
	return a
}

// Name implements carrier.Carrier.
func (*Asynq) Name() string { return "redis" }

// Transactional implements carrier.Carrier.
func (*Asynq) Transactional() bool { return false }

// Wake implements carrier.Carrier. asynq looks by itself.
func (*Asynq) Wake() {}

// Dispatch implements carrier.Carrier. It does not wait for Redis, which may be away.
func (a *Asynq) Dispatch(_ context.Context, refs []carrier.Ref) error {
	for i, ref := range refs {
		a.sending.Add(1)
		select {
		case a.refs <- ref:
		default:
			a.sending.Add(-1)
			return fmt.Errorf("%d jobs wait to be sent to Redis already, %d have to wait", buffered, len(refs)-i)
		}
	}
	return nil
}

func (a *Asynq) feed() {
	for {
		select {
		case <-a.quit:
			return
		case ref := <-a.refs:
			err := a.send(ref)
			a.sending.Add(-1)
			if err != nil && !a.away.Swap(true) {
				a.log.Warn("Redis takes no jobs for now, they wait in the database", zap.Error(err))
			} else if err == nil && a.away.Swap(false) {
				a.log.Info("Redis takes jobs again")
			}
		}
	}
}

// send makes the task. Its id is the job's own the first time. When a job has to be handed over again, its first task may
// still be there without anybody to do it, so it gets another one.
func (a *Asynq) send(ref carrier.Ref) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	id := ref.ID.String()
	if ref.Dispatch > 1 {
		id = fmt.Sprintf("%s.%d", id, ref.Dispatch)
	}
	_, err := a.client.EnqueueContext(ctx, asynq.NewTask(taskType, ref.ID[:]), asynq.TaskID(id), asynq.Queue(a.queue(ref.Queue, ref.Priority)),
		asynq.MaxRetry(1), asynq.Timeout(unlimited))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// queue is the name that asynq knows a queue and a priority by.
func (a *Asynq) queue(name string, priority int) string {
	return fmt.Sprintf("%s:%s:%d", a.prefix, name, priority)
}

// Waiting implements carrier.Carrier. It asks Redis itself: asynq's inspector does not know a queue again after a flush.
func (a *Asynq) Waiting(ctx context.Context, queue string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	total := a.sending.Load()
	for p := 1; p <= priorities; p++ {
		n, err := a.redis.LLen(ctx, "asynq:{"+a.queue(queue, p)+"}:pending").Result()
		if err != nil {
			return 0, fmt.Errorf("count what Redis has: %w", err)
		}
		total += n
	}
	return int(total), nil
}

// Start implements carrier.Carrier.
func (a *Asynq) Start(_ context.Context, queues map[string]int, w carrier.Worker) error {
	handler := asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, err := uuid.FromBytes(t.Payload())
		if err != nil {
			return fmt.Errorf("the task is none of ours: %w", asynq.SkipRetry)
		}
		a.busy.Add(1)
		defer a.busy.Add(-1)
		w.Run(ctx, id)
		return nil // whatever became of the job, asynq has done its part
	})
	for name, n := range queues {
		weights := map[string]int{}
		for p := 1; p <= priorities; p++ {
			weights[a.queue(name, p)] = 1 << (priorities - p)
		}
		s := asynq.NewServerFromRedisClient(a.redis, asynq.Config{
			Concurrency: n, Queues: weights, TaskCheckInterval: look, ShutdownTimeout: unlimited,
			Logger: a.log.Sugar(), LogLevel: asynq.ErrorLevel,
		})
		if err := s.Start(handler); err != nil {
			return fmt.Errorf("start asynq: %w", err)
		}
		a.mu.Lock()
		a.servers = append(a.servers, s)
		a.mu.Unlock()
	}
	return nil
}

// Stop implements carrier.Carrier. asynq says goodbye to Redis, command by command. It is left behind when nothing is being
// worked on any more and Redis does not answer: its loops end when the connections are closed.
func (a *Asynq) Stop(ctx context.Context) error {
	a.mu.Lock()
	servers := a.servers
	a.servers = nil
	a.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range servers {
		s.Stop()
		all.Go(s.Shutdown)
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	patience := time.NewTimer(goodbye)
	defer patience.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("stop asynq: %w", ctx.Err())
		case <-patience.C:
			if a.busy.Load() == 0 {
				a.log.Warn("Redis does not answer the goodbye of asynq")
				return nil
			}
			patience.Reset(look)
		}
	}
}

// Close implements carrier.Carrier. What was not sent yet is found missing later.
func (a *Asynq) Close() error {
	close(a.quit)
	a.feeding.Wait()
	return a.redis.Close()
}
