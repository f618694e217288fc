package audit

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

// Verifier holds the trail in the database against its chains, its checkpoints and the keys. It changes nothing, and may
// run beside any number of writers.
type Verifier struct {
	rows rows
	keys *Keys
}

// NewVerifier returns a verifier of the trail in d.
func NewVerifier(d dialect.Driver, keys *Keys) *Verifier { return &Verifier{rows: rows{d}, keys: keys} }

// pageSize is how many rows one query reads.
const pageSize = 1000

// Verify looks at every tenant, and at what no tenant can tell.
func (v *Verifier) Verify(ctx context.Context) (*Report, error) {
	ctx = system(ctx)
	set, err := v.keys.load(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Faults: []Fault{}, Keys: set.public()}
	tenants, err := v.tenants(ctx, report)
	if err != nil {
		return nil, err
	}
	for _, t := range tenants {
		if err := v.tenant(ctx, t, set, report); err != nil {
			return nil, fmt.Errorf("verify tenant %s: %w", t, err)
		}
	}
	report.Tenants = len(tenants)
	if err := v.strays(ctx, nil, set, report); err != nil {
		return nil, err
	}
	return report, v.head(ctx, set, report)
}

// VerifyTenant looks at one tenant only. It does not notice when the end of the chain was removed together with its
// checkpoints, which Verify does.
func (v *Verifier) VerifyTenant(ctx context.Context, tenant uuid.UUID) (*Report, error) {
	ctx = system(ctx)
	set, err := v.keys.load(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{Tenants: 1, Faults: []Fault{}, Keys: set.public()}
	if err := v.tenant(ctx, tenant, set, report); err != nil {
		return nil, fmt.Errorf("verify tenant %s: %w", tenant, err)
	}
	return report, v.strays(ctx, &tenant, set, report)
}

// tenants lists who has a chain.
func (v *Verifier) tenants(ctx context.Context, report *Report) ([]uuid.UUID, error) {
	seen, all := map[uuid.UUID]bool{}, []uuid.UUID{}
	for _, table := range []string{"audit_links", "audit_checkpoints", "audit_anchors"} {
		var unreadable []any
		s := v.rows.from(table, "tenant_id").Distinct()
		err := v.rows.query(ctx, s.OrderBy(s.C("tenant_id")), func(c *cells) {
			if t := c.uuid("tenant_id"); c.fault != "" {
				unreadable = append(unreadable, c.values[0])
			} else if !seen[t] {
				seen[t], all = true, append(all, t)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("list the tenants of %s: %w", table, err)
		}
		if err := v.ownerless(ctx, table, unreadable, report); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ownerless names the rows that no tenant can own.
func (v *Verifier) ownerless(ctx context.Context, table string, owners []any, report *Report) error {
	if len(owners) == 0 {
		return nil
	}
	s := v.rows.from(table, "id")
	return v.rows.query(ctx, s.Where(sql.In(s.C("tenant_id"), owners...)).Limit(maxNamed), func(c *cells) {
		f := Fault{Kind: Altered, What: "anchor", Detail: "its tenant cannot be read"}
		switch id := c.take().(type) {
		case int64:
			f.What, f.Seq = "checkpoint", id
		default:
			if table == "audit_links" {
				f.What, f.Event = "event", fmt.Sprint(id)
			}
		}
		report.Faults = append(report.Faults, f)
	})
}

// tenant verifies one chain. Retention may shorten it meanwhile, which looks like a loss: then it is read again.
func (v *Verifier) tenant(ctx context.Context, tenant uuid.UUID, set *keySet, report *Report) error {
	for {
		var found Report
		anchor, err := v.anchor(ctx, tenant, set, &found)
		if err != nil {
			return err
		}
		if err := v.chain(ctx, tenant, anchor, set, &found); err != nil {
			return err
		}
		if len(found.Faults) > 0 {
			again, err := v.anchor(ctx, tenant, set, &Report{})
			if err != nil {
				return err
			}
			if again != nil && (anchor == nil || again.seq > anchor.seq) {
				continue
			}
		}
		report.add(found)
		return nil
	}
}

// anchor returns the last anchor whose signature is good, or nil.
func (v *Verifier) anchor(ctx context.Context, tenant uuid.UUID, set *keySet, report *Report) (*statement, error) {
	all, err := v.rows.statements(ctx, "audit_anchors", tenant, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	var last *statement
	for _, a := range all {
		if v.signed(a, "anchor", domainAnchor, set, report) {
			last = &a.row
		}
	}
	return last, nil
}

// signed reports a statement that nobody with a key has made.
func (v *Verifier) signed(s faulty[statement], what, domain string, set *keySet, report *Report) bool {
	if s.fault == "" && verified(set.public(), s.row.key, s.row.message(domain), s.row.signature) {
		return true
	}
	f := Fault{Kind: Altered, Tenant: s.row.tenant, What: what, Seq: s.row.number, Detail: "its signature is not good"}
	if what == "anchor" {
		f.Seq = s.row.seq
	}
	if s.fault != "" {
		f.Detail = s.fault
	}
	report.Faults = append(report.Faults, f)
	return false
}

// chain walks from the anchor to the last checkpoint.
func (v *Verifier) chain(ctx context.Context, tenant uuid.UUID, anchor *statement, set *keySet, report *Report) error {
	w := newWalker(tenant, anchor, report)
	if err := v.outside(ctx, tenant, w.seq, report); err != nil {
		return err
	}
	last, err := v.lastCheckpoint(ctx, tenant)
	if err != nil {
		return err
	}
	after := w.seq
	for {
		links, err := v.rows.links(ctx, tenant, after, last, pageSize)
		if err != nil {
			return err
		}
		upto := last
		if len(links) == pageSize {
			upto = links[pageSize-1].row.seq
		}
		checkpoints, err := v.rows.statements(ctx, "audit_checkpoints", tenant, after, upto)
		if err != nil {
			return err
		}
		if err := v.step(ctx, w, links, checkpoints, set); err != nil {
			return err
		}
		if after = upto; len(links) < pageSize {
			w.end()
			return nil
		}
	}
}

// step walks over one page.
func (v *Verifier) step(ctx context.Context, w *walker, links []faulty[link], checkpoints []faulty[statement], set *keySet) error {
	ids := make([]uuid.UUID, len(links))
	for i, l := range links {
		ids[i] = l.row.id
	}
	events, faults, err := v.rows.events(ctx, ids)
	if err != nil {
		return err
	}
	confirm := func(upto int64) {
		for len(checkpoints) > 0 && checkpoints[0].row.seq <= upto {
			if v.signed(checkpoints[0], "checkpoint", domainCheckpoint, set, w.report) {
				w.checkpoint(checkpoints[0].row)
			}
			checkpoints = checkpoints[1:]
		}
	}
	for _, l := range links {
		confirm(l.row.seq - 1)
		w.link(l.row, inspect(l, events[l.row.id], faults[l.row.id], set))
		confirm(l.row.seq)
	}
	confirm(math.MaxInt64)
	return nil
}

// inspect holds an event against its link and its mac.
func inspect(l faulty[link], e *record, fault string, set *keySet) *Fault {
	switch {
	case l.fault != "":
		return &Fault{Kind: Altered, Detail: "its link: " + l.fault}
	case fault != "":
		return &Fault{Kind: Altered, Detail: fault}
	case e == nil:
		return &Fault{Kind: Missing, Detail: "the chain knows it, and it is gone"}
	case len(e.mac) > 0 && !set.authentic(e):
		return &Fault{Kind: Altered, Detail: "it is not what the platform wrote"}
	case !bytes.Equal(e.digest(), l.row.digest):
		return &Fault{Kind: Altered, Detail: "it is not what was sealed"}
	}
	return nil
}

func (v *Verifier) lastCheckpoint(ctx context.Context, tenant uuid.UUID) (last int64, err error) {
	s := v.rows.from("audit_checkpoints", "seq")
	s.Where(sql.EQ(s.C("tenant_id"), tenant)).OrderBy(sql.Desc(s.C("seq"))).Limit(1)
	err = v.rows.query(ctx, s, func(c *cells) { last = c.int("seq") })
	return last, err
}

// outside names the links before the anchor, which should be gone, and those behind the last checkpoint: a link and the
// checkpoint that confirms it are written together.
func (v *Verifier) outside(ctx context.Context, tenant uuid.UUID, first int64, report *Report) error {
	s := v.rows.from("audit_links", "id", "seq")
	last := sql.Dialect(v.rows.d.Dialect()).Table("audit_checkpoints").As("c")
	highest := sql.Dialect(v.rows.d.Dialect()).Select(last.C("id")).From(last).Where(sql.And(
		sql.EQ(last.C("tenant_id"), tenant), sql.ColumnsGTE(last.C("seq"), s.C("seq"))))
	s.Where(sql.And(sql.EQ(s.C("tenant_id"), tenant), sql.Or(sql.LTE(s.C("seq"), first), sql.NotExists(highest)))).
		OrderBy(s.C("seq")).Limit(maxNamed)
	return v.rows.query(ctx, s, func(c *cells) {
		f := Fault{Tenant: tenant, What: "event", Event: c.uuid("id").String(), Seq: c.int("seq")}
		if f.Kind, f.Detail = Unproven, "it is behind the last checkpoint"; f.Seq <= first {
			f.Kind, f.Detail = Inserted, "it is in the part of the chain that was removed"
		}
		report.Faults = append(report.Faults, f)
	})
}
