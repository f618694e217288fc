package audit

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
)

// rows reads the tables without trusting them: a value of the wrong type or form is a fault of its row, not an error
// that ends the reading.
type rows struct{ d dialect.Driver }

// cells is one row as it came out of the database. Reading a malformed cell sets fault.
type cells struct {
	values []any
	next   int
	fault  string
}

func (r rows) query(ctx context.Context, s *sql.Selector, each func(*cells)) error {
	query, args := s.Query()
	var found sql.Rows
	if err := r.d.Query(ctx, query, args, &found); err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	for found.Next() {
		c := &cells{values: make([]any, len(columns))}
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &c.values[i]
		}
		if err := found.Scan(into...); err != nil {
			return err
		}
		each(c)
	}
	return found.Err()
}

// from begins a query. SQLite converts by the declared type of a column, and hides how a value is written: an
// expression has no declared type.
func (r rows) from(table string, columns ...string) *sql.Selector {
	t := sql.Dialect(r.d.Dialect()).Table(table)
	s := sql.Dialect(r.d.Dialect()).Select().From(t)
	for _, c := range columns {
		if r.d.Dialect() == dialect.SQLite && (c == "time" || c == "refused") {
			s.AppendSelectExpr(sql.Raw("+" + s.C(c)))
			continue
		}
		s.AppendSelect(s.C(c))
	}
	return s
}

func (c *cells) take() any { c.next++; return c.values[c.next-1] }

func (c *cells) bad(what string) {
	if c.fault == "" {
		c.fault = "its " + what + " cannot be read"
	}
}

func (c *cells) uuid(name string) uuid.UUID {
	text, isText := c.take().(string)
	id, err := uuid.Parse(text)
	if !isText || err != nil || id.String() != text {
		c.bad(name)
		return uuid.Nil
	}
	return id
}

func (c *cells) optionalUUID(name string) *uuid.UUID {
	if c.values[c.next] == nil {
		c.next++
		return nil
	}
	id := c.uuid(name)
	return &id
}

func (c *cells) int(name string) int64 {
	n, ok := c.take().(int64)
	if !ok {
		c.bad(name)
	}
	return n
}

func (c *cells) text(name string) string {
	text, ok := c.take().(string)
	if !ok {
		c.bad(name)
	}
	return text
}

func (c *cells) optionalText(name string) string {
	if c.values[c.next] == nil {
		c.next++
		return ""
	}
	return c.text(name)
}

func (c *cells) bytes(name string) []byte {
	b, ok := c.take().([]byte)
	if !ok {
		c.bad(name)
	}
	return b
}

func (c *cells) optionalBytes(name string) []byte {
	if c.values[c.next] == nil {
		c.next++
		return nil
	}
	return c.bytes(name)
}

// sqliteTime is how the driver writes times ("_time_format=sqlite").
const sqliteTime = "2006-01-02 15:04:05.999999999-07:00"

func (c *cells) time(name string) time.Time {
	switch v := c.take().(type) {
	case time.Time:
		return v.UTC()
	case string:
		if t, err := time.Parse(sqliteTime, v); err == nil && t.UTC().Format(sqliteTime) == v {
			return t.UTC()
		}
	}
	c.bad(name)
	return time.Time{}
}

// events reads events by their ids. What cannot be read is in faults.
func (r rows) events(ctx context.Context, ids []uuid.UUID) (found map[uuid.UUID]*record, faults map[uuid.UUID]string, err error) {
	found, faults = map[uuid.UUID]*record{}, map[uuid.UUID]string{}
	s := r.from("audit_events", "id", "tenant_id", "time", "actor", "permission", "target", "outcome", "ip", "request_id",
		"reason", "changes", "mac")
	err = r.query(ctx, s.Where(sql.In(s.C("id"), anys(ids)...)), func(c *cells) {
		e := &record{
			id: c.uuid("id"), tenant: c.uuid("tenant_id"), time: c.time("time"), actor: c.optionalUUID("actor"),
			permission: c.text("permission"), target: c.text("target"), outcome: c.text("outcome"), ip: c.text("ip"),
			requestID: c.text("request_id"), reason: c.text("reason"), changes: c.optionalText("changes"),
			mac: c.optionalBytes("mac"),
		}
		if c.fault != "" {
			faults[e.id] = c.fault
			return
		}
		found[e.id] = e
	})
	if err != nil {
		err = fmt.Errorf("read audit events: %w", err)
	}
	return found, faults, err
}

// links reads up to limit links of a tenant behind the place after, and up to the place last.
func (r rows) links(ctx context.Context, tenant uuid.UUID, after, last int64, limit int) ([]faulty[link], error) {
	s := r.from("audit_links", "id", "tenant_id", "seq", "digest", "prev", "hash")
	s.Where(sql.And(sql.EQ(s.C("tenant_id"), tenant), sql.GT(s.C("seq"), after), sql.LTE(s.C("seq"), last))).
		OrderBy(s.C("seq")).Limit(limit)
	var all []faulty[link]
	err := r.query(ctx, s, func(c *cells) {
		l := link{id: c.uuid("id"), tenant: c.uuid("tenant_id"), seq: c.int("seq"), digest: c.bytes("digest"), prev: c.bytes("prev"), hash: c.bytes("hash")}
		all = append(all, faulty[link]{l, c.fault})
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit chain: %w", err)
	}
	return all, nil
}

// statements reads checkpoints or anchors of a tenant behind the place after, and up to the place last, in their order.
func (r rows) statements(ctx context.Context, table string, tenant uuid.UUID, after, last int64) ([]faulty[statement], error) {
	columns := []string{"id", "tenant_id", "seq", "hash", "time", "key_id", "signature"}
	s := r.from(table, columns...)
	s.Where(sql.And(sql.EQ(s.C("tenant_id"), tenant), sql.GT(s.C("seq"), after), sql.LTE(s.C("seq"), last))).
		OrderBy(s.C("seq"), s.C("id"))
	var all []faulty[statement]
	err := r.query(ctx, s, func(c *cells) {
		var one statement
		if table == "audit_checkpoints" {
			one.number = c.int("id")
		}
		id := c.values[0]
		c.next = 1
		one.tenant, one.seq, one.hash = c.uuid("tenant_id"), c.int("seq"), c.bytes("hash")
		if table == "audit_anchors" && id != anchorID(one.tenant, one.seq).String() {
			c.bad("id")
		}
		one.time, one.key, one.signature = c.time("time"), c.uuid("key_id"), c.bytes("signature")
		all = append(all, faulty[statement]{one, c.fault})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return all, nil
}

// anchorID is the id of an anchor: nothing in its row may be changed unnoticed.
func anchorID(tenant uuid.UUID, seq int64) uuid.UUID { return uuid.NewSHA1(tenant, number(seq)) }

// faulty is a row, and what could not be read of it.
type faulty[T any] struct {
	row   T
	fault string
}

func anys(ids []uuid.UUID) []any {
	all := make([]any, len(ids))
	for i, id := range ids {
		all[i] = id
	}
	return all
}
