// Package river carries jobs through River, in the database of the platform itself.
package river

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/jobs/carrier"
)

const (
	cooldown  = 2 * time.Millisecond // between two looks of one queue
	maxInsert = 500                  // rows in one statement
)

// River carries references as rows that are written in the transaction of the caller.
type River struct {
	db     *database.Driver
	driver riverdriver.Driver[*sql.Tx]
	taking *taking
	pilot  *pilot
	look   time.Duration
	log    *slog.Logger
	insert *river.Client[*sql.Tx]

	mu     sync.Mutex
	work   *river.Client[*sql.Tx]
	queues []string
}

var _ carrier.Carrier = (*River)(nil)

// New returns a carrier that looks for work so often when it is not woken.
func New(db *database.Driver, look time.Duration, log *zap.Logger) (*River, error) {
	r := &River{db: db, look: max(look, 2*cooldown), log: slog.New(quiet{zapslog.NewHandler(log.Core(), zapslog.WithName("river"))})}
	r.taking = &taking{db: db}
	r.driver, r.pilot = newDriver(db.Pool(), db.Dialect() == dialect.SQLite, r.taking)
	inserting, _ := newDriver(nil, db.Dialect() == dialect.SQLite, nil)
	var err error
	if r.insert, err = river.NewClient(inserting, &river.Config{Logger: r.log}); err != nil {
		return nil, fmt.Errorf("make a client of River: %w", err)
	}
	return r, nil
}

// args are all that River knows of a job.
type args struct {
	ID uuid.UUID `json:"id"`
}

func (args) Kind() string { return "platform" }

// Name implements carrier.Carrier.
func (*River) Name() string { return "database" }

// Transactional implements carrier.Carrier.
func (*River) Transactional() bool { return true }

// Close implements carrier.Carrier.
func (*River) Close() error { return nil }

// Dispatch implements carrier.Carrier.
func (r *River) Dispatch(ctx context.Context, refs []carrier.Ref) error {
	return r.db.InTx(ctx, func(ctx context.Context) error {
		for part := range slices.Chunk(refs, maxInsert) {
			rows := make([]river.InsertManyParams, len(part))
			for i, ref := range part {
				rows[i] = river.InsertManyParams{Args: args{ref.ID}, InsertOpts: &river.InsertOpts{Queue: ref.Queue, Priority: ref.Priority, MaxAttempts: 3}}
			}
			err := r.db.WithTx(ctx, func(tx *sql.Tx) error {
				_, err := r.insert.InsertManyFastTx(ctx, tx, rows)
				return err
			})
			if err != nil {
				return fmt.Errorf("hand %d jobs to River: %w", len(part), err)
			}
		}
		return nil
	})
}

// Wake implements carrier.Carrier.
func (r *River) Wake() {
	r.mu.Lock()
	queues := r.queues
	r.mu.Unlock()
	r.pilot.look(queues)
}

// Start implements carrier.Carrier.
func (r *River) Start(_ context.Context, queues map[string]int, w carrier.Worker) error {
	r.taking.worker = w
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[args]) error {
		w.Run(ctx, j.Args.ID)
		return nil // whatever became of the job, River has done its part
	}))
	cfg := &river.Config{
		Queues: map[string]river.QueueConfig{}, Workers: workers, Logger: r.log, PollOnly: true,
		FetchCooldown: cooldown, FetchPollInterval: r.look, JobTimeout: -1,
		ReindexerIndexNames: []string{}, // only the owner of the tables could
	}
	names := make([]string, 0, len(queues))
	for name, n := range queues {
		cfg.Queues[name] = river.QueueConfig{MaxWorkers: n}
		names = append(names, name)
	}
	client, err := river.NewClient(r.driver, cfg)
	if err != nil {
		return fmt.Errorf("make a client of River: %w", err)
	}
	if err := client.Start(context.Background()); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	r.mu.Lock()
	r.work, r.queues = client, names
	r.mu.Unlock()
	return nil
}

// Stop implements carrier.Carrier.
func (r *River) Stop(ctx context.Context) error {
	r.mu.Lock()
	client := r.work
	r.work, r.queues = nil, nil
	r.mu.Unlock()
	if client == nil {
		return nil
	}
	if err := client.Stop(ctx); err != nil {
		return fmt.Errorf("stop River: %w", err)
	}
	return nil
}

// Waiting implements carrier.Carrier.
func (r *River) Waiting(ctx context.Context, queue string) (n int, err error) {
	rows, err := r.db.Pool().QueryContext(ctx, `SELECT count(*) FROM river_job WHERE state = 'available' AND queue = $1`, queue)
	if err != nil {
		return 0, fmt.Errorf("count what River has: %w", err)
	}
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&n))
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("count what River has: %w", err)
	}
	return n, nil
}
