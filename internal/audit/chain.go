package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/audit/ent/unsealed"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Chain links committed events to one hash chain for each tenant, and signs where each ends. Hashing in the caller's
// transaction would make the writers of a tenant wait for each other, so it happens afterwards: every SealInterval, and
// when the process stops. Any number of replicas may seal: whoever does holds the row of audit_head.
type Chain struct {
	cfg  Config
	db   *ent.Client
	rows rows
	run  tx.Runner
	keys *Keys
	log  *zap.Logger
	now  func() time.Time

	cancel context.CancelFunc
	done   chan struct{}
}

// NewChain returns a chain that does not seal yet: see Start.
func NewChain(cfg Config, d dialect.Driver, run tx.Runner, keys *Keys, log *zap.Logger) *Chain {
	return &Chain{
		cfg: cfg, db: ent.NewClient(ent.Driver(d)), rows: rows{d}, run: run, keys: keys, log: log,
		now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	}
}

// Start makes the first key, which also seals the events from before there was one, and begins to seal.
func (c *Chain) Start(ctx context.Context) error {
	if err := c.Prepare(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	c.cancel, c.done = cancel, make(chan struct{})
	go c.loop(run)
	return nil
}

// Prepare loads the keys, and makes the first one where there is none.
func (c *Chain) Prepare(ctx context.Context) error {
	set, err := c.keys.load(system(ctx))
	if err != nil || set.newest() != nil {
		return err
	}
	err = c.run.InTx(system(ctx), func(ctx context.Context) error {
		head, err := c.lock(ctx, true)
		if err != nil {
			return err
		}
		if set, err := c.keys.load(ctx); err != nil || set.newest() != nil {
			return err // another replica was faster
		}
		if err := c.keys.create(ctx); err != nil {
			return err
		}
		if _, err := c.keys.load(ctx); err != nil {
			return err
		}
		if err := c.sign(ctx, head); err != nil {
			return err
		}
		for {
			if n, err := c.round(ctx, head, true); n == 0 || err != nil {
				return err
			}
		}
	})
	if err != nil {
		c.keys.current.Store(&keySet{}) // what a rolled back transaction has made is no key
		return fmt.Errorf("make the first audit key: %w", err)
	}
	return nil
}

// Stop ends the sealing and seals what was committed until now.
func (c *Chain) Stop(ctx context.Context) error {
	if c.cancel == nil {
		return nil
	}
	c.cancel()
	select {
	case <-c.done:
	case <-ctx.Done():
		return fmt.Errorf("stop sealing the audit trail: %w", ctx.Err())
	}
	_, err := c.Seal(ctx)
	return err
}

func (c *Chain) loop(ctx context.Context) {
	defer close(c.done)
	tick := time.NewTicker(c.cfg.SealInterval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := c.seal(ctx, false)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing: // once, not twice a second
			c.log.Error("the audit trail cannot be sealed, and is until it can", zap.Error(err))
		case err == nil && failing:
			c.log.Info("the audit trail is sealed again")
		}
		failing = err != nil
	}
}

// Seal links every event that was committed before the call, and returns how many it linked. Events that the platform
// has not written, or that were altered since, stay outside of the chain.
func (c *Chain) Seal(ctx context.Context) (int, error) { return c.seal(ctx, true) }

// batch is how many events one transaction links.
const batch = 500

// seal waits for other replicas, or leaves the work to the one that is at it.
func (c *Chain) seal(ctx context.Context, wait bool) (int, error) {
	ctx, total := system(ctx), 0
	for {
		if !wait { // asking first keeps SQLite's one writer free
			pending, err := c.db.Unsealed.Query().Where(unsealed.Refused(false)).Exist(ctx)
			if err != nil || !pending {
				return total, err
			}
		}
		n, held := 0, false
		err := c.run.InTx(ctx, func(ctx context.Context) error {
			head, err := c.lock(ctx, wait)
			if err != nil || head == nil {
				return err
			}
			held = true
			n, err = c.round(ctx, head, false)
			return err
		})
		if total += n; err != nil || n == 0 || !held {
			if err != nil {
				err = fmt.Errorf("seal the audit trail: %w", err)
			}
			return total, err
		}
	}
}

// lock takes the head, for as long as the transaction lasts. It returns nil when another replica has it and wait is
// false. SQLite has one writer, which this transaction is.
func (c *Chain) lock(ctx context.Context, wait bool) (*ent.Head, error) {
	head, err := c.db.Head.Query().Where(func(s *sql.Selector) {
		switch {
		case s.Dialect() != dialect.Postgres:
		case wait:
			s.ForUpdate()
		default:
			s.ForUpdate(sql.WithLockAction(sql.SkipLocked))
		}
	}).Only(ctx)
	if ent.IsNotFound(err) && !wait {
		return nil, nil
	}
	if ent.IsNotFound(err) {
		return nil, errors.New("audit_head has lost its row")
	}
	return head, err
}

// sign writes the head.
func (c *Chain) sign(ctx context.Context, head *ent.Head) error {
	key := c.keys.current.Load().newest()
	if key == nil {
		return errors.New("the audit keys are not loaded")
	}
	return c.db.Head.UpdateOneID(head.ID).SetNumber(head.Number).SetFloor(head.Floor).
		SetKeyID(key.ID).SetSignature(key.sign(headMessage(head.Number, head.Floor, key.ID))).Exec(ctx)
}

// system sees the rows of every tenant.
func system(ctx context.Context) context.Context { return tenant.System(ctx, "keep the audit trail") }
