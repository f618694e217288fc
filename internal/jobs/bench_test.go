package jobs_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
)

const (
	benchEach    = 20 // jobs in one transaction, or on one connection without one
	benchWriters = 8  // that ask for jobs at once
	benchWorkers = 10 // that do them, as jobs.queues has it
)

// measure has the writers ask for b.N jobs, waits until all are done, and reports how many that were in a second.
func measure(b *testing.B, count *atomic.Int64, ask func(ctx context.Context, n int) error) {
	b.Helper()
	b.ResetTimer()
	begun := time.Now()
	var next atomic.Int64
	var writing sync.WaitGroup
	for range benchWriters {
		writing.Go(func() {
			for from := next.Add(benchEach) - benchEach; from < int64(b.N); from = next.Add(benchEach) - benchEach {
				if err := ask(b.Context(), int(min(benchEach, int64(b.N)-from))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	require.Eventually(b, func() bool { return count.Load() >= int64(b.N) }, 2*time.Minute, time.Millisecond)
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "jobs/s")
}

// BenchmarkJobs measures jobs that do nothing, from the question to the end: each engine, the database engine with
// fairness, and beside each the library alone, on a database or a server of the same kind.
func BenchmarkJobs(b *testing.B) {
	b.Run("database", func(b *testing.B) { benchmarkPlatform(b, "jobs.engine=database") })
	b.Run("database_fair", func(b *testing.B) { benchmarkPlatform(b, "jobs.engine=database", "jobs.fairness=true") })
	b.Run("redis", func(b *testing.B) { benchmarkPlatform(b, onRedis(b)...) })
	b.Run("redis_fair", func(b *testing.B) { benchmarkPlatform(b, append(onRedis(b), "jobs.fairness=true")...) })
	b.Run("river", benchmarkRiver)
	b.Run("asynq", benchmarkAsynq)
}

func benchmarkPlatform(b *testing.B, set ...string) {
	var count atomic.Int64
	r := &rig{}
	r.App = testapp.New(b, append(modules.All(), does(func(context.Context, work) error { count.Add(1); return nil })), testapp.Options{
		Set: set, Extra: []fx.Option{fx.Populate(&r.jobs)}, Log: zap.NewNop(),
	})
	measure(b, &count, func(_ context.Context, n int) error {
		return r.Database.InTx(r.ctx(), func(ctx context.Context) error {
			for i := range n {
				if _, err := r.jobs.Enqueue(ctx, work{N: i}); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// plain is the job of River alone.
type plain struct {
	N int `json:"n"`
}

func (plain) Kind() string { return "plain" }

// benchmarkRiver runs River on a pool of its own, as quick to look for work as the platform has it.
func benchmarkRiver(b *testing.B) {
	var driver riverdriver.Driver[*sql.Tx]
	address := testapp.FreshDatabase(b, modules.All())
	name, file := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		name, file = "sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(1)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(name, file)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	if driver = riverdatabasesql.New(db); name == "sqlite" {
		db.SetMaxOpenConns(1)
		driver = riversqlite.New(db)
	}
	var count atomic.Int64
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[plain]) error { count.Add(1); return nil }))
	client, err := river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: benchWorkers}}, Workers: workers,
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 4 * time.Millisecond,
	})
	require.NoError(b, err)
	require.NoError(b, client.Start(b.Context()))
	b.Cleanup(func() { require.NoError(b, client.Stop(context.Background())) })
	measure(b, &count, func(ctx context.Context, n int) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		rows := make([]river.InsertManyParams, n)
		for i := range rows {
			rows[i] = river.InsertManyParams{Args: plain{i}}
		}
		if _, err := client.InsertManyFastTx(ctx, tx, rows); err != nil {
			return err
		}
		return tx.Commit()
	})
}

func benchmarkAsynq(b *testing.B) {
	s := testbroker.Redis(b)
	var count atomic.Int64
	connection := redis.NewClient(&redis.Options{Addr: s.Addr})
	b.Cleanup(func() { require.NoError(b, connection.Close()) })
	server := asynq.NewServerFromRedisClient(connection, asynq.Config{Concurrency: benchWorkers, LogLevel: asynq.FatalLevel})
	require.NoError(b, server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { count.Add(1); return nil })))
	b.Cleanup(server.Shutdown)
	client := asynq.NewClientFromRedisClient(connection)
	measure(b, &count, func(ctx context.Context, n int) error {
		for range n {
			if _, err := client.EnqueueContext(ctx, asynq.NewTask("plain", []byte(`{"n":1}`))); err != nil {
				return err
			}
		}
		return nil
	})
}
