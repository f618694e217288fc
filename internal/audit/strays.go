package audit

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

// strays names the events that are in no chain and in no queue, and counts those that wait to be sealed. Of one tenant,
// or of all when it is nil.
func (v *Verifier) strays(ctx context.Context, tenant *uuid.UUID, set *keySet, report *Report) error {
	last := ""
	for {
		ids, tenants, err := v.ids(ctx, tenant, last)
		if err != nil || len(ids) == 0 {
			return err
		}
		last = ids[len(ids)-1]
		// The queue before the chains: an event that is sealed in between is in one of the answers.
		queued, err := v.queued(ctx, ids)
		if err != nil {
			return err
		}
		linked, err := v.present(ctx, "audit_links", ids)
		if err != nil {
			return err
		}
		var waiting, stray []string
		for _, id := range ids {
			switch _, waits := queued[id]; {
			case linked[id]:
			case waits:
				waiting = append(waiting, id)
			default:
				stray = append(stray, id)
			}
		}
		if err := v.waiting(ctx, waiting, queued, tenants, set, report); err != nil {
			return err
		}
		if len(stray) > 0 {
			still, err := v.present(ctx, "audit_events", stray) // or removed in the meantime, because its time was over
			if err != nil {
				return err
			}
			for _, id := range stray {
				if still[id] {
					v.stray(report, Inserted, tenants[id], id, "it is in no chain, and does not wait for one")
				}
			}
		}
	}
}

func (v *Verifier) stray(report *Report, kind Kind, tenant, id, detail string) {
	owner, _ := uuid.Parse(tenant)
	report.Faults = append(report.Faults, Fault{Kind: kind, Tenant: owner, What: "event", Event: id, Detail: detail})
}

// waiting looks at events that are not sealed yet. Only their mac proves them.
func (v *Verifier) waiting(ctx context.Context, ids []string, queued map[string]bool, tenants map[string]string, set *keySet, report *Report) error {
	var known []uuid.UUID
	for _, id := range ids {
		if parsed, err := uuid.Parse(id); err == nil {
			known = append(known, parsed)
		}
	}
	if len(known) == 0 {
		return nil
	}
	events, faults, err := v.rows.events(ctx, known)
	if err != nil {
		return err
	}
	for _, id := range ids {
		parsed, _ := uuid.Parse(id)
		e := events[parsed]
		unkeyed := len(set.keys) == 0 // a trail from before the chain, which has never been started since
		switch {
		case e != nil && !queued[id] && (unkeyed || set.authentic(e)):
			report.Unsealed++
		case faults[parsed] != "":
			v.stray(report, Altered, tenants[id], id, faults[parsed])
		case e != nil && len(e.mac) == 0:
			v.stray(report, Inserted, tenants[id], id, "the platform has not written it")
		default:
			v.stray(report, Altered, tenants[id], id, "it is not what the platform wrote")
		}
	}
	return nil
}

// ids lists events as they are written, so that also those are named whose id is none.
func (v *Verifier) ids(ctx context.Context, tenant *uuid.UUID, after string) (ids []string, tenants map[string]string, err error) {
	s := v.rows.from("audit_events", "id", "tenant_id")
	if after != "" {
		s.Where(sql.GT(s.C("id"), after))
	}
	if tenant != nil {
		s.Where(sql.EQ(s.C("tenant_id"), *tenant))
	}
	tenants = map[string]string{}
	err = v.rows.query(ctx, s.OrderBy(s.C("id")).Limit(pageSize), func(c *cells) {
		id, owner := fmt.Sprint(c.take()), fmt.Sprint(c.take())
		ids, tenants[id] = append(ids, id), owner
	})
	return ids, tenants, err
}

// queued tells which ids wait to be sealed, and whether that was refused.
func (v *Verifier) queued(ctx context.Context, ids []string) (map[string]bool, error) {
	s := v.rows.from("audit_unsealed", "id", "refused")
	all := map[string]bool{}
	err := v.rows.query(ctx, s.Where(sql.In(s.C("id"), texts(ids)...)), func(c *cells) {
		id, refused := fmt.Sprint(c.take()), c.take()
		all[id] = refused != false && refused != int64(0)
	})
	return all, err
}

func (v *Verifier) present(ctx context.Context, table string, ids []string) (map[string]bool, error) {
	s := v.rows.from(table, "id")
	all := map[string]bool{}
	err := v.rows.query(ctx, s.Where(sql.In(s.C("id"), texts(ids)...)), func(c *cells) { all[fmt.Sprint(c.take())] = true })
	return all, err
}

func texts(words []string) []any {
	all := make([]any, len(words))
	for i, t := range words {
		all[i] = t
	}
	return all
}

// lost names what waits to be sealed and is gone.
func (v *Verifier) lost(ctx context.Context, report *Report) error {
	s := v.rows.from("audit_unsealed", "id")
	event := sql.Dialect(v.rows.d.Dialect()).Table("audit_events").As("e")
	kept := sql.Dialect(v.rows.d.Dialect()).Select(event.C("id")).From(event).Where(sql.ColumnsEQ(event.C("id"), s.C("id")))
	return v.rows.query(ctx, s.Where(sql.NotExists(kept)).Limit(maxNamed), func(c *cells) {
		v.stray(report, Missing, "", fmt.Sprint(c.take()), "it waits to be sealed, and is gone")
	})
}

// head holds the number of checkpoints against what is signed. So the end of a chain cannot be removed together with
// the checkpoints that confirm it. Retention may raise the floor meanwhile, which looks like a loss.
func (v *Verifier) head(ctx context.Context, set *keySet, report *Report) error {
	if err := v.lost(ctx, report); err != nil {
		return err
	}
	for before := int64(-1); ; {
		count, floor, fault, err := v.readHead(ctx, set)
		if err != nil {
			return err
		}
		if fault != "" {
			report.Faults = append(report.Faults, Fault{Kind: Altered, What: "head", Detail: fault})
			return nil
		}
		missing, err := v.missing(ctx, floor, count)
		if err != nil {
			return err
		}
		if len(missing) > 0 && floor > before {
			before = floor
			continue
		}
		report.Faults = append(report.Faults, missing...)
		return nil
	}
}

func (v *Verifier) readHead(ctx context.Context, set *keySet) (count, floor int64, fault string, err error) {
	fault = "its row is gone"
	s := v.rows.from("audit_head", "number", "floor", "key_id", "signature")
	err = v.rows.query(ctx, s, func(c *cells) {
		var signer *uuid.UUID
		var signature []byte
		count, floor, signer, signature = c.int("number"), c.int("floor"), c.optionalUUID("key"), c.optionalBytes("signature")
		switch {
		case c.fault != "":
			fault = c.fault
		case signer == nil && len(set.keys) == 0 && count == 0 && floor == 0:
			fault = "" // nothing was ever sealed
		case signer == nil || !verified(set.public(), *signer, headMessage(count, floor, *signer), signature):
			fault = "its signature is not good"
		default:
			fault = ""
		}
	})
	return count, floor, fault, err
}

// missing names the checkpoints above the floor that are gone.
func (v *Verifier) missing(ctx context.Context, floor, count int64) ([]Fault, error) {
	var faults []Fault
	next := floor + 1
	name := func(upto int64) {
		for ; next < upto && len(faults) < maxNamed; next++ {
			faults = append(faults, Fault{Kind: Missing, What: "checkpoint", Seq: next, Detail: "it is gone, and with it perhaps the end of a chain"})
		}
	}
	for after, more := floor, true; more; {
		s := v.rows.from("audit_checkpoints", "id")
		s.Where(sql.And(sql.GT(s.C("id"), after), sql.LTE(s.C("id"), count))).OrderBy(s.C("id")).Limit(pageSize)
		more = false
		err := v.rows.query(ctx, s, func(c *cells) {
			number := c.int("id")
			name(number)
			next, after, more = number+1, number, true
		})
		if err != nil {
			return nil, err
		}
	}
	name(count + 1)
	return faults, nil
}
