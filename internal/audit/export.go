package audit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// ErrShortened answers an export that retention has overtaken.
var ErrShortened = problem.New(problem.Conflict, "audit.export_overtaken", "Old events were removed during the export; start it again")

// Exporter writes the trail of a tenant out.
type Exporter struct {
	chain    *Chain
	verifier *Verifier
}

var _ audit.Exporter = (*Exporter)(nil)

// NewExporter returns an exporter of the trail that chain seals.
func NewExporter(chain *Chain, v *Verifier) *Exporter { return &Exporter{chain: chain, verifier: v} }

// sink is a format.
type sink interface {
	begin(h headerLine) error
	event(l link, e *record) error
	checkpoint(s statement) error
	end(seq int64, key *key) error
}

// Export implements audit.Exporter. It seals what is not sealed yet first.
func (x *Exporter) Export(ctx context.Context, format audit.Format, w io.Writer) error {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return tenant.ErrMissing.Wrap(errors.New("export the audit trail without a tenant in the context"))
	}
	return x.ExportTenant(ctx, id, format, w)
}

// ExportTenant is Export for any tenant; that of the platform is the zero id.
func (x *Exporter) ExportTenant(ctx context.Context, tenant uuid.UUID, format audit.Format, w io.Writer) error {
	if _, err := x.chain.Seal(ctx); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	var out sink
	switch format {
	case audit.NDJSON:
		out = newNDJSON(buffered)
	case audit.CSV:
		out = newCSV(buffered)
	default:
		return fmt.Errorf("export the audit trail: the format %q is not known", format)
	}
	if err := x.export(system(ctx), tenant, out); err != nil {
		return fmt.Errorf("export the audit trail: %w", err)
	}
	return buffered.Flush()
}

func (x *Exporter) export(ctx context.Context, tenant uuid.UUID, out sink) error {
	set, err := x.chain.keys.load(ctx)
	if err != nil {
		return err
	}
	anchor, err := x.verifier.anchor(ctx, tenant, set, &Report{})
	if err != nil {
		return err
	}
	last, err := x.verifier.lastCheckpoint(ctx, tenant)
	if err != nil {
		return err
	}
	h := headerLine{Type: "header", Format: exportFormat, TenantID: tenant, Time: x.chain.now(), Keys: []keyLine{}, Anchor: toAnchorLine(anchor)}
	for _, k := range set.keys {
		h.Keys = append(h.Keys, keyLine{ID: k.ID, Algorithm: algorithm, PublicKey: k.Key})
	}
	if err := out.begin(h); err != nil {
		return err
	}
	seq := int64(0)
	if anchor != nil {
		seq = anchor.seq
	}
	for more := true; more; {
		if seq, more, err = x.page(ctx, tenant, seq, last, out); err != nil {
			return err
		}
	}
	return out.end(seq, set.newest())
}

// page writes the events behind the place after, each checkpoint behind the event that it is about.
func (x *Exporter) page(ctx context.Context, tenant uuid.UUID, after, last int64, out sink) (seq int64, more bool, err error) {
	links, err := x.chain.rows.links(ctx, tenant, after, last, pageSize)
	if err != nil {
		return after, false, err
	}
	more = len(links) == pageSize
	upto := last
	if more {
		upto = links[pageSize-1].row.seq
	}
	checkpoints, err := x.chain.rows.statements(ctx, "audit_checkpoints", tenant, after, upto)
	if err != nil {
		return after, false, err
	}
	ids := make([]uuid.UUID, len(links))
	for i, l := range links {
		ids[i] = l.row.id
	}
	events, _, err := x.chain.rows.events(ctx, ids)
	if err != nil {
		return after, false, err
	}
	if err := x.whole(ctx, tenant, after, links, events); err != nil {
		return after, false, err
	}
	confirm := func(upto int64) error {
		for len(checkpoints) > 0 && checkpoints[0].row.seq <= upto {
			if err := out.checkpoint(checkpoints[0].row); err != nil {
				return err
			}
			checkpoints = checkpoints[1:]
		}
		return nil
	}
	seq = after
	for _, l := range links {
		seq = l.row.seq
		if e := events[l.row.id]; e != nil { // one that is lost leaves a gap, which the verification names
			if err := out.event(l.row, e); err != nil {
				return seq, false, err
			}
		}
		if err := confirm(seq); err != nil {
			return seq, false, err
		}
	}
	return seq, more, confirm(upto)
}

// whole tells a page in which rows are lost from one that retention has overtaken.
func (x *Exporter) whole(ctx context.Context, tenant uuid.UUID, after int64, links []faulty[link], events map[uuid.UUID]*record) error {
	if len(links) > 0 && links[0].row.seq == after+1 && len(events) == len(links) {
		return nil
	}
	anchor, err := x.verifier.anchor(ctx, tenant, x.chain.keys.current.Load(), &Report{})
	if err == nil && anchor != nil && anchor.seq > after {
		return ErrShortened
	}
	return err
}

// ndjson writes one JSON document a line, and hashes what it writes.
type ndjson struct {
	w      io.Writer
	hash   hash.Hash
	tenant uuid.UUID
}

func newNDJSON(w io.Writer) *ndjson {
	h := sha256.New()
	return &ndjson{w: io.MultiWriter(w, h), hash: h}
}

func (n *ndjson) line(v any) error {
	encoded, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = n.w.Write(append(encoded, '\n'))
	return err
}

func (n *ndjson) begin(h headerLine) error      { n.tenant = h.TenantID; return n.line(h) }
func (n *ndjson) event(l link, e *record) error { return n.line(toEventLine(l, e)) }
func (n *ndjson) checkpoint(s statement) error  { return n.line(toCheckpointLine(s)) }

func (n *ndjson) end(seq int64, key *key) error {
	if key == nil {
		return errors.New("there is no key yet that could sign it")
	}
	l := endLine{Type: "end", Seq: seq, Digest: n.hash.Sum(nil), KeyID: key.ID}
	l.Signature = key.sign(l.message(n.tenant))
	return n.line(l)
}
