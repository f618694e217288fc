package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	cleanBatch = 1000
	cleanRound = 100       // batches in one round of housekeeping
	orphanAge  = time.Hour // replicas of another release may know a subscriber that this one does not
)

// errOrphan is why the events of a subscriber that is gone are parked.
var errOrphan = errors.New("no enabled module has this subscriber any more")

// Cleaner removes what nobody needs any more.
type Cleaner struct{ *Outbox }

var (
	_ module.Housekeeper = (*Cleaner)(nil)
	_ tenant.Eraser      = (*Cleaner)(nil)
)

// Name is the name of the housekeeping.
func (*Cleaner) Name() string { return "events.outbox" }

// Tidy removes old events that everybody has handled and old marks of the inbox, and parks what nobody will handle.
func (c *Cleaner) Tidy(ctx context.Context) (int, error) {
	ctx = tenant.System(ctx, "old events")
	events, err := c.inBatches(ctx, `DELETE FROM outbox_events WHERE id IN (SELECT e.id FROM outbox_events e WHERE e.id < $1
	AND NOT EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.event_id = e.id) ORDER BY e.id LIMIT $2)`, since(c.cfg.Retention))
	if err != nil {
		return events, fmt.Errorf("remove old events: %w", err)
	}
	marks, err := c.inBatches(ctx, `DELETE FROM outbox_inbox WHERE id IN (SELECT id FROM outbox_inbox WHERE id < $1 ORDER BY id LIMIT $2)`,
		since(c.cfg.InboxRetention).String())
	if err != nil {
		return events + marks, fmt.Errorf("remove old marks of the inbox: %w", err)
	}
	return events + marks, c.parkOrphans(ctx)
}

// since is the smallest id that an event of that age can have.
func since(age time.Duration) uuid.UUID {
	var id uuid.UUID
	ms := time.Now().Add(-age).UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

func (c *Cleaner) inBatches(ctx context.Context, statement string, before any) (total int, err error) {
	for range cleanRound {
		n, err := exec(ctx, c.db, statement, before, cleanBatch)
		total += int(n)
		if err != nil || n < cleanBatch {
			return total, err
		}
	}
	return total, nil
}

// parkOrphans parks what is for a subscriber that is gone, so that it is seen.
func (c *Cleaner) parkOrphans(ctx context.Context) error {
	backlog, err := c.backlog(ctx)
	if err != nil {
		return err
	}
	for _, b := range backlog {
		if c.known(b.to) || b.state == stateParked {
			continue
		}
		_, err := exec(ctx, c.db, `UPDATE outbox_deliveries SET state = 2, error = $1 WHERE subscriber = $2 AND state = $3 AND changed_ms < $4`,
			errOrphan.Error(), b.to, b.state, time.Now().Add(-orphanAge).UnixMilli())
		if err != nil {
			return fmt.Errorf("park the events of %s: %w", b.to, err)
		}
	}
	return nil
}

// known tells whether somebody works on the deliveries to a destination.
func (o *Outbox) known(to string) bool {
	_, subscribed := o.topics.subscribers[to]
	if subscribed || isSubscriber(to) {
		return subscribed
	}
	carrier, topic, _ := strings.Cut(strings.TrimPrefix(to, brokerPrefix), "/")
	_, declared := o.topics.declared[topic]
	return declared && carrier == o.cfg.Broker()
}

// Erase implements tenant.Eraser.
func (c *Cleaner) Erase(ctx context.Context, id tenant.ID) (int, error) {
	var removed int64
	err := c.db.InTx(ctx, func(ctx context.Context) error {
		deliveries, err := exec(ctx, c.db, `DELETE FROM outbox_deliveries WHERE event_id IN (SELECT id FROM outbox_events WHERE tenant_id = $1 ORDER BY id LIMIT $2)`, id, cleanBatch)
		if err != nil {
			return err
		}
		events, err := exec(ctx, c.db, `DELETE FROM outbox_events WHERE id IN (SELECT id FROM outbox_events WHERE tenant_id = $1 ORDER BY id LIMIT $2)`, id, cleanBatch)
		removed = deliveries + events
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase the events of tenant %s: %w", id, err)
	}
	return int(removed), nil
}
