package changes

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/internal/changes/ent/change"
)

// position is how far the feed has been read.
//
// Postgres gives out ids when rows are inserted and shows rows when they are committed, so a row can appear below one
// that was read long ago; reading on from the highest id would miss it. Every poll therefore reads again from a horizon
// that trails the highest id by the overlap, and skips the ids that it has seen. A row is missed only if its
// transaction stays open for longer than the overlap.
type position struct {
	horizon int64              // everything up to here is done with
	marks   []mark             // the highest ids seen, oldest first; each becomes the horizon when it is old enough
	seen    map[int64]struct{} // the ids above the horizon that have been dispatched
}

// mark remembers the highest id at a time.
type mark struct {
	at time.Time
	id int64
}

// begin finds the position to start from. All that can be seen now counts as known. The horizon is a row that is older
// than the overlap by the clock of whoever wrote it, so it takes twice the overlap to be on the safe side.
func (f *Feed) begin(ctx context.Context) error {
	f.polling.Lock()
	defer f.polling.Unlock()
	began := time.Now()
	old, err := f.db.Change.Query().Where(change.CreatedAtLT(began.UTC().Add(-2 * f.cfg.Overlap))).
		Order(ent.Desc(change.FieldID)).FirstID(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return fmt.Errorf("find the beginning of the change feed: %w", err)
	}
	known, err := f.db.Change.Query().Where(change.IDGT(old)).Order(ent.Asc(change.FieldID)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("find the beginning of the change feed: %w", err)
	}
	f.position = position{horizon: old, marks: []mark{{at: time.Now(), id: old}}, seen: make(map[int64]struct{}, len(known))}
	for _, id := range known {
		f.seen[id] = struct{}{}
		f.marks[0].id = id
	}
	f.read.Store(&began)
	return nil
}

// Poll reads what is new and hands it to the handlers. After a time without a successful poll it also tells all handlers
// that they may have missed something: rows may have been removed in the meantime, and callers may have relied on what
// was cached before. It is called from time to time after Start, and by tests.
func (f *Feed) Poll(ctx context.Context) error {
	f.polling.Lock()
	defer f.polling.Unlock()
	ctx, cancel := context.WithTimeout(ctx, f.cfg.PollTimeout)
	defer cancel()
	began := time.Now()
	rows, err := f.db.Change.Query().Where(change.IDGT(f.horizon)).Order(ent.Asc(change.FieldID)).All(ctx)
	if err != nil {
		return fmt.Errorf("read the change feed: %w", err)
	}
	ended := time.Now()
	gap := !f.Fresh()
	for _, row := range rows {
		if _, known := f.seen[row.ID]; known {
			continue
		}
		f.seen[row.ID] = struct{}{}
		f.dispatch(row.Topic, row.Key)
	}
	if gap {
		f.missed()
	}
	f.advance(began.Add(-f.cfg.Overlap))
	if len(rows) > 0 {
		f.note(ended, rows[len(rows)-1].ID)
	}
	f.read.Store(&began)
	return nil
}

// advance moves the horizon to the highest id that had been seen by then.
func (p *position) advance(then time.Time) {
	before := p.horizon
	for len(p.marks) > 0 && !p.marks[0].at.After(then) {
		p.horizon = p.marks[0].id
		p.marks = p.marks[1:]
	}
	if p.horizon > before {
		maps.DeleteFunc(p.seen, func(id int64, _ struct{}) bool { return id <= p.horizon })
	}
}

// note remembers the highest id. The time is that of the end of the read: the id may have been given out during it.
func (p *position) note(now time.Time, highest int64) {
	newest := p.horizon
	if n := len(p.marks); n > 0 {
		newest = p.marks[n-1].id
	}
	if highest > newest {
		p.marks = append(p.marks, mark{at: now, id: highest})
	}
}
