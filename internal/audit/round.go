package audit

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/audit/ent/anchor"
	entlink "github.com/yourorg/platform/internal/audit/ent/link"
	"github.com/yourorg/platform/internal/audit/ent/unsealed"
)

// round links the oldest events of the queue, signs a checkpoint for every tenant among them, and returns how many events
// it was about. The caller holds the head. Adopting means to take events from before there was a key as they are.
func (c *Chain) round(ctx context.Context, head *ent.Head, adopting bool) (int, error) {
	queued, err := c.db.Unsealed.Query().Where(unsealed.Refused(false)).Order(unsealed.ByID()).Limit(batch).IDs(ctx)
	if err != nil || len(queued) == 0 {
		return 0, err
	}
	events, faults, err := c.rows.events(ctx, queued)
	if err != nil {
		return 0, err
	}
	set, err := c.known(ctx, events, adopting)
	if err != nil {
		return 0, err
	}
	var accepted []*record
	var refused, sealed []uuid.UUID
	for _, id := range queued { // in the order of the ids, which is that of time
		e := events[id]
		switch {
		case e != nil && (adopting || set.authentic(e)):
			accepted, sealed = append(accepted, e), append(sealed, id)
		default:
			c.log.Error("an audit event is not as the platform wrote it and stays outside of the chain",
				zap.Stringer("event", id), zap.String("fault", faults[id]))
			refused = append(refused, id)
		}
	}
	if len(refused) > 0 {
		if err := c.db.Unsealed.Update().Where(unsealed.IDIn(refused...)).SetRefused(true).Exec(ctx); err != nil {
			return 0, err
		}
	}
	if len(accepted) == 0 {
		return len(queued), nil
	}
	if err := c.append(ctx, head, accepted); err != nil {
		return 0, err
	}
	if _, err := c.db.Unsealed.Delete().Where(unsealed.IDIn(sealed...)).Exec(ctx); err != nil {
		return 0, err
	}
	return len(queued), c.sign(ctx, head)
}

// known returns the keys, read again when an event may have been authenticated with a newer one.
func (c *Chain) known(ctx context.Context, events map[uuid.UUID]*record, adopting bool) (*keySet, error) {
	set := c.keys.current.Load()
	if adopting {
		return set, nil
	}
	for _, e := range events {
		if !set.authentic(e) {
			return c.keys.load(ctx)
		}
	}
	return set, nil
}

// append links events to the chains of their tenants.
func (c *Chain) append(ctx context.Context, head *ent.Head, events []*record) error {
	ends, err := c.ends(ctx, events)
	if err != nil {
		return err
	}
	links := make([]*ent.LinkCreate, 0, len(events))
	for _, e := range events {
		end := ends[e.tenant]
		l := link{id: e.id, tenant: e.tenant, seq: end.seq + 1, digest: e.digest(), prev: end.hash}
		l.hash = l.at(l.seq)
		end.seq, end.hash = l.seq, l.hash
		links = append(links, c.db.Link.Create().SetID(l.id).SetTenantID(l.tenant).SetSeq(l.seq).
			SetDigest(l.digest).SetPrev(l.prev).SetHash(l.hash))
	}
	if err := c.db.Link.CreateBulk(links...).Exec(ctx); err != nil {
		return fmt.Errorf("link events: %w", err)
	}
	key := c.keys.current.Load().newest()
	checkpoints := make([]*ent.CheckpointCreate, 0, len(ends))
	for _, tenant := range tenants(events) {
		head.Number++
		s := statement{number: head.Number, tenant: tenant, seq: ends[tenant].seq, hash: ends[tenant].hash, time: c.now(), key: key.ID}
		checkpoints = append(checkpoints, c.db.Checkpoint.Create().SetID(s.number).SetTenantID(s.tenant).SetSeq(s.seq).
			SetHash(s.hash).SetTime(s.time).SetKeyID(s.key).SetSignature(key.sign(s.message(domainCheckpoint))))
	}
	if err := c.db.Checkpoint.CreateBulk(checkpoints...).Exec(ctx); err != nil {
		return fmt.Errorf("sign checkpoints: %w", err)
	}
	return nil
}

// end is where the chain of a tenant ends.
type end struct {
	seq  int64
	hash []byte
}

// ends finds where the chains of the events' tenants end: at the last link, or at the anchor when all links were removed.
func (c *Chain) ends(ctx context.Context, events []*record) (map[uuid.UUID]*end, error) {
	all := tenants(events)
	ends := make(map[uuid.UUID]*end, len(all))
	for _, t := range all {
		ends[t] = &end{hash: genesis(t)}
	}
	anchors, err := c.db.Anchor.Query().Where(anchor.TenantIDIn(all...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the audit anchors: %w", err)
	}
	for _, a := range anchors {
		if e := ends[a.TenantID]; a.Seq > e.seq {
			e.seq, e.hash = a.Seq, a.Hash
		}
	}
	for t, e := range ends { // one look into the index for each
		last, err := c.db.Link.Query().Where(entlink.TenantID(t)).Order(entlink.BySeq(sql.OrderDesc())).First(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return nil, fmt.Errorf("read the end of an audit chain: %w", err)
		}
		if err == nil && last.Seq > e.seq {
			e.seq, e.hash = last.Seq, last.Hash
		}
	}
	return ends, nil
}

// tenants lists the tenants of events once, in the order in which they come.
func tenants(events []*record) []uuid.UUID {
	seen, all := map[uuid.UUID]bool{}, []uuid.UUID{}
	for _, e := range events {
		if !seen[e.tenant] {
			seen[e.tenant] = true
			all = append(all, e.tenant)
		}
	}
	return all
}
