package audit

import (
	"bytes"
	"fmt"

	"github.com/google/uuid"
)

// walker goes along the chain of one tenant and holds every link against its neighbours, and against the checkpoints
// and what they sign. The links come in the order of their places, each checkpoint after the link that it is about.
type walker struct {
	tenant uuid.UUID
	report *Report
	line   int // of the export that is read; 0 in the database

	seq     int64  // the last place
	hash    []byte // what the last link says that its hash is
	broken  bool   // the last link is faulty itself, or missing
	pending []place
	tries   int
}

// place is a link that no checkpoint has confirmed yet.
type place struct {
	seq  int64
	id   uuid.UUID
	line int
	bad  bool // a fault is reported already
}

// from begins behind an anchor, or at the beginning.
func newWalker(tenant uuid.UUID, anchor *statement, report *Report) *walker {
	if anchor == nil {
		return &walker{tenant: tenant, report: report, hash: genesis(tenant)}
	}
	return &walker{tenant: tenant, report: report, seq: anchor.seq, hash: anchor.hash}
}

func (w *walker) fault(kind Kind, p place, detail string, args ...any) {
	f := Fault{Kind: kind, Tenant: w.tenant, What: "event", Seq: p.seq, Line: p.line, Detail: fmt.Sprintf(detail, args...)}
	if p.id != uuid.Nil {
		f.Event = p.id.String()
	}
	w.report.Faults = append(w.report.Faults, f)
}

// link takes the next link. The fault is what is known to be wrong with the event already.
func (w *walker) link(l link, fault *Fault) {
	p := place{seq: l.seq, id: l.id, line: w.line}
	if l.seq <= w.seq {
		w.late(p)
		return
	}
	w.gap(l.seq)
	w.report.Events++
	follows := bytes.Equal(l.prev, w.hash)
	consistent := l.tenant == w.tenant && l.consistent()
	switch {
	case fault != nil:
		p.bad = true
		fault.Tenant, fault.What, fault.Seq, fault.Event, fault.Line = w.tenant, "event", l.seq, l.id.String(), w.line
		w.report.Faults = append(w.report.Faults, *fault)
	case !consistent:
		p.bad = true
		if seq, found := w.elsewhere(l); found {
			w.fault(Reordered, p, "its place is %d", seq)
		} else {
			w.fault(Altered, p, "it does not have the hash that it was sealed with")
		}
	case !follows && !w.broken:
		p.bad = true
		w.fault(Altered, p, "it does not follow the event before it")
		if n := len(w.pending); n > 0 && !w.pending[n-1].bad {
			w.pending[n-1].bad = true
			w.fault(Altered, w.pending[n-1], "the event behind it does not follow it")
		}
	}
	w.seq, w.hash, w.broken = l.seq, l.hash, !consistent
	w.pending = append(w.pending, p)
}

// late names an event that comes behind a later one. It may have been taken for missing.
func (w *walker) late(p place) {
	const back = 1000
	faults := w.report.Faults
	for i := len(faults) - 1; i >= max(0, len(faults)-back); i-- {
		if f := &faults[i]; f.Kind == Missing && f.What == "event" && f.Seq == p.seq {
			f.Kind, f.Event, f.Line, f.Detail = Reordered, p.id.String(), p.line, "it comes after a later event"
			return
		}
	}
	w.fault(Reordered, p, "it comes after the event in the place %d", w.seq)
}

// skip passes over a link that cannot be read, and is reported already.
func (w *walker) skip(seq int64) {
	if seq == w.seq+1 {
		w.seq, w.hash, w.broken = seq, nil, true
	}
}

// maxNamed bounds how many missing rows are named one by one.
const maxNamed = 100_000

// gap names what is missing before the place next.
func (w *walker) gap(next int64) {
	if missing := next - w.seq - 1; missing > maxNamed {
		w.fault(Missing, place{seq: w.seq + 1, line: w.line}, "it and the %d that follow it are gone", missing-1)
		w.broken = true
		return
	}
	for seq := w.seq + 1; seq < next; seq++ {
		w.fault(Missing, place{seq: seq, line: w.line}, "there is no event in this place of the chain")
		w.broken = true
	}
}

// elsewhere finds the place in which an inconsistent link would be consistent. It looks around only, and not for ever.
func (w *walker) elsewhere(l link) (int64, bool) {
	const around = 2000
	if w.tries++; w.tries > around || l.tenant != w.tenant {
		return 0, false
	}
	for seq := max(1, l.seq-around); seq <= l.seq+around; seq++ {
		if bytes.Equal(l.at(seq), l.hash) {
			return seq, true
		}
	}
	return 0, false
}

// checkpoint takes a statement whose signature is good.
func (w *walker) checkpoint(s statement) {
	w.report.Checkpoints++
	if s.seq > w.seq {
		w.gap(s.seq + 1)
		w.seq, w.hash, w.broken, w.pending = s.seq, s.hash, false, nil
		return
	}
	if s.seq == w.seq && !bytes.Equal(s.hash, w.hash) {
		w.unproven("checkpoint %d says that the chain was another one", s.number)
		w.hash, w.broken = s.hash, false
	}
	w.pending = nil
}

// end is called behind the last link and the last checkpoint.
func (w *walker) end() { w.unproven("no checkpoint confirms it") }

func (w *walker) unproven(detail string, args ...any) {
	for _, p := range w.pending {
		if !p.bad {
			w.fault(Unproven, p, detail, args...)
		}
	}
	w.pending = nil
}
