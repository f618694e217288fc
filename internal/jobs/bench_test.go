package jobs_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
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
	b.Run("asynq", func(b *testing.B) {
		benchmarkAsynq(b, func(context.Context, []uuid.UUID) error { return nil }, func(uuid.UUID) {})
	})
	b.Run("asynq_rows", benchmarkAsynqWithRows)
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

// benchmarkAsynq runs asynq alone, with what is done before jobs are handed over and when one begins.
func benchmarkAsynq(b *testing.B, before func(context.Context, []uuid.UUID) error, begin func(uuid.UUID)) {
	s := testbroker.Redis(b)
	var count atomic.Int64
	connection := redis.NewClient(&redis.Options{Addr: s.Addr})
	b.Cleanup(func() { require.NoError(b, connection.Close()) })
	server := asynq.NewServerFromRedisClient(connection, asynq.Config{Concurrency: benchWorkers, LogLevel: asynq.FatalLevel})
	require.NoError(b, server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		begin(uuid.UUID(t.Payload()))
		count.Add(1)
		return nil
	})))
	b.Cleanup(server.Shutdown)
	client := asynq.NewClientFromRedisClient(connection)
	measure(b, &count, func(ctx context.Context, n int) error {
		ids := make([]uuid.UUID, n)
		for i := range ids {
			ids[i] = uuid.New()
		}
		if err := before(ctx, ids); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := client.EnqueueContext(ctx, asynq.NewTask("plain", id[:])); err != nil {
				return err
			}
		}
		return nil
	})
}

// benchmarkAsynqWithRows adds the least that outlives Redis: a bare row that is inserted, claimed and ended, in the same
// batches as the platform's. It is what the engine redis could reach at most.
func benchmarkAsynqWithRows(b *testing.B) {
	if !testapp.Postgres() {
		b.Skip("on SQLite there is one writer")
	}
	db, err := sql.Open("pgx", testapp.FreshDatabase(b, modules.All()))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	exec := func(statement string, args ...any) error {
		_, err := db.ExecContext(context.Background(), statement, args...)
		return err
	}
	require.NoError(b, exec("CREATE TABLE bare (id uuid PRIMARY KEY, state integer NOT NULL, args text NOT NULL)"))
	changes := func(to int, ids []uuid.UUID) error {
		return exec(fmt.Sprintf("UPDATE bare SET state = %d FROM set_config('synchronous_commit', 'off', true) AS relaxed WHERE id = ANY($1)", to), textOf(ids))
	}
	claims, ends := batched(b, func(ids []uuid.UUID) error { return changes(2, ids) }), batched(b, func(ids []uuid.UUID) error { return changes(6, ids) })
	benchmarkAsynq(b, func(ctx context.Context, ids []uuid.UUID) error {
		return exec(`INSERT INTO bare SELECT id, 0, '{"n":1}' FROM unnest(CAST($1 AS uuid[])) AS id`, textOf(ids))
	}, func(id uuid.UUID) {
		<-claims(id)
		ends(id)
	})
}

func textOf(ids []uuid.UUID) []string {
	return database.Array(ids, uuid.UUID.String)
}

// batched returns a function that has ids written together which come while others are being written, and tells when.
func batched(b *testing.B, write func([]uuid.UUID) error) func(uuid.UUID) <-chan struct{} {
	type entry struct {
		id   uuid.UUID
		done chan struct{}
	}
	entries := make(chan entry, 256)
	var writing sync.WaitGroup
	writing.Go(func() {
		for first := range entries {
			batch := []entry{first}
			for len(entries) > 0 {
				batch = append(batch, <-entries)
			}
			ids := make([]uuid.UUID, len(batch))
			for i, e := range batch {
				ids[i] = e.id
			}
			if err := write(ids); err != nil {
				b.Error(err)
			}
			for _, e := range batch {
				close(e.done)
			}
		}
	})
	b.Cleanup(func() {
		close(entries)
		writing.Wait()
	})
	return func(id uuid.UUID) <-chan struct{} {
		e := entry{id, make(chan struct{})}
		entries <- e
		return e.done
	}
}
