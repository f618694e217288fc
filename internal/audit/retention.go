package audit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/audit/ent/anchor"
	"github.com/yourorg/platform/internal/audit/ent/checkpoint"
	"github.com/yourorg/platform/internal/audit/ent/event"
	entlink "github.com/yourorg/platform/internal/audit/ent/link"
	"github.com/yourorg/platform/pkg/module"
)

// Retention removes events whose time is over, from the beginning of each chain. A signed anchor says where the chain
// goes on, and is what the triggers of the tables allow the removal by. What cannot be proven is not removed: it is
// evidence.
type Retention struct {
	cfg   Config
	chain *Chain
}

var _ module.Housekeeper = (*Retention)(nil)

// NewRetention returns the housekeeper of the trail.
func NewRetention(cfg Config, chain *Chain) *Retention { return &Retention{cfg: cfg, chain: chain} }

// Name is the name of the housekeeping.
func (*Retention) Name() string { return "audit.events" }

// Tidy removes the events that are older than audit.retention. A tenant that fails does not hold up the others.
func (r *Retention) Tidy(ctx context.Context) (int, error) {
	if r.cfg.Retention == 0 {
		return 0, nil
	}
	ctx, before := system(ctx), r.chain.now().Add(-r.cfg.Retention)
	var all []uuid.UUID
	err := r.chain.db.Event.Query().Where(event.IDLT(earliest(before))).Unique(true).Select(event.FieldTenantID).Scan(ctx, &all)
	if err != nil {
		return 0, fmt.Errorf("find the audit events whose time is over: %w", err)
	}
	total := 0
	var errs []error
	for _, tenant := range all {
		for {
			n, err := r.remove(ctx, tenant, before)
			total += n
			if err != nil {
				errs = append(errs, fmt.Errorf("remove audit events of tenant %s: %w", tenant, err))
			}
			if n < batch || err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return total, errors.Join(errs...)
}

// earliest is the lowest UUIDv7 (RFC 9562) of a time: ids are found by an index, times are not.
func earliest(t time.Time) uuid.UUID {
	id := uuid.UUID{6: 0x70, 8: 0x80}
	milliseconds := binary.BigEndian.AppendUint64(nil, uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], milliseconds[2:])
	return id
}

// remove takes one batch off the beginning of a chain.
func (r *Retention) remove(ctx context.Context, tenant uuid.UUID, before time.Time) (n int, err error) {
	err = r.chain.run.InTx(ctx, func(ctx context.Context) error {
		head, err := r.chain.lock(ctx, true)
		if err != nil {
			return err
		}
		set, err := r.chain.keys.load(ctx)
		if err != nil {
			return err
		}
		links, err := r.over(ctx, tenant, before, set)
		if err != nil || len(links) == 0 {
			return err
		}
		n = len(links)
		return r.anchor(ctx, head, set.newest(), links, before)
	})
	if err != nil {
		n = 0
	}
	return n, err
}

// over returns the first links of the chain whose events' time is over, proven as Verify would.
func (r *Retention) over(ctx context.Context, tenant uuid.UUID, before time.Time, set *keySet) ([]faulty[link], error) {
	report := &Report{}
	v := &Verifier{rows: r.chain.rows, keys: r.chain.keys}
	from, err := v.anchor(ctx, tenant, set, report)
	if err != nil {
		return nil, err
	}
	w := newWalker(tenant, from, report)
	links, err := r.chain.rows.links(ctx, tenant, w.seq, math.MaxInt64, batch)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(links))
	for i, l := range links {
		ids[i] = l.row.id
	}
	events, faults, err := r.chain.rows.events(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, l := range links {
		e := events[l.row.id]
		if e != nil && !e.time.Before(before) {
			links = links[:i]
			break
		}
		w.link(l.row, inspect(l, e, faults[l.row.id], set))
	}
	if err := r.confirmed(ctx, w, links, set); err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, fmt.Errorf("nothing is removed that cannot be proven: %s", report.Faults[0])
	}
	return links, nil
}

// confirmed holds the links against the next checkpoint, which may be about a later link: then the links in between
// count too.
func (r *Retention) confirmed(ctx context.Context, w *walker, links []faulty[link], set *keySet) error {
	if len(links) == 0 {
		return nil
	}
	rest, err := r.chain.rows.links(ctx, w.tenant, w.seq, math.MaxInt64, batch)
	if err != nil {
		return err
	}
	v := &Verifier{rows: r.chain.rows, keys: r.chain.keys}
	all, err := r.chain.rows.statements(ctx, "audit_checkpoints", w.tenant, links[0].row.seq-1, w.seq+int64(len(rest)))
	if err != nil {
		return err
	}
	last := links[len(links)-1].row.seq
	hashes := map[int64][]byte{}
	for _, l := range links {
		hashes[l.row.seq] = l.row.hash
	}
	for _, l := range rest {
		w.link(l.row, nil)
		hashes[l.row.seq] = l.row.hash
	}
	for _, c := range all {
		if !v.signed(c, "checkpoint", domainCheckpoint, set, w.report) {
			continue
		}
		if string(hashes[c.row.seq]) != string(c.row.hash) {
			w.fault(Unproven, place{seq: c.row.seq}, "checkpoint %d says that the chain was another one", c.row.number)
		}
		if c.row.seq >= last {
			return nil
		}
	}
	return errors.New("no checkpoint confirms it")
}

// anchor signs where the chain goes on, and removes what is before.
func (r *Retention) anchor(ctx context.Context, head *ent.Head, key *key, links []faulty[link], before time.Time) error {
	last, db := links[len(links)-1].row, r.chain.db
	s := statement{tenant: last.tenant, seq: last.seq, hash: last.hash, time: r.chain.now(), key: key.ID}
	err := db.Anchor.Create().SetID(anchorID(s.tenant, s.seq)).SetTenantID(s.tenant).SetSeq(s.seq).SetHash(s.hash).SetTime(s.time).SetKeyID(s.key).
		SetSignature(key.sign(s.message(domainAnchor))).Exec(ctx)
	if err != nil {
		return fmt.Errorf("sign an anchor: %w", err)
	}
	ids := make([]uuid.UUID, len(links))
	for i, l := range links {
		ids[i] = l.row.id
	}
	if _, err := db.Event.Delete().Where(event.IDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if _, err := db.Link.Delete().Where(entlink.IDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if _, err := db.Anchor.Delete().Where(anchor.TenantID(s.tenant), anchor.SeqLT(s.seq)).Exec(ctx); err != nil {
		return err
	}
	return r.checkpoints(ctx, head, s, before)
}

// checkpoints raises the floor, above which no checkpoint may be missing, to the first one that is younger than before,
// and removes what is neither above it nor needed any more.
func (r *Retention) checkpoints(ctx context.Context, head *ent.Head, s statement, before time.Time) error {
	db, floor := r.chain.db, head.Number
	young, err := db.Checkpoint.Query().Where(checkpoint.TimeGTE(before)).Order(checkpoint.ByID()).First(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return err
	}
	if err == nil {
		floor = young.ID - 1
	}
	head.Floor = max(head.Floor, floor)
	if _, err := db.Checkpoint.Delete().Where(checkpoint.TenantID(s.tenant), checkpoint.SeqLTE(s.seq), checkpoint.IDLTE(head.Floor)).Exec(ctx); err != nil {
		return err
	}
	return r.chain.sign(ctx, head)
}
