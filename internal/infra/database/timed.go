package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"
)

// timing makes connections whose statements are measured. It is the outermost below database/sql, so that ent, hand-written
// SQL, the queue and the migrator all pass through it.
type timing struct {
	driver.Connector
	meter *meter
}

func (t timing) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := t.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &timed{conn: inner.(conn), meter: t.meter}, nil
}

// conn is what both engines' connections can do.
type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
}

// timed is a connection of which one goroutine at a time makes use, as database/sql sees to. What is prepared by hand is
// not measured: nothing of ours prepares.
type timed struct {
	conn
	meter *meter
	inTx  bool
	tx    timedTx   // the one at a time, kept so that it need not be made
	rows  timedRows // the same, when no others are open
	open  bool      // whether rows is in use
}

func (c *timed) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	m := measured{ctx: ctx, verb: verbOf(query), query: query, inTx: c.inTx, rows: -1, start: time.Now()}
	result, err := c.conn.ExecContext(ctx, query, args)
	m.failed = err != nil
	if err == nil && m.verb != verbOther {
		if n, unknown := result.RowsAffected(); unknown == nil {
			m.rows = n
		}
	}
	c.meter.ended(&m)
	return result, err
}

func (c *timed) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	m := measured{ctx: ctx, verb: verbOf(query), query: query, inTx: c.inTx, rows: -1, start: time.Now()}
	inner, err := c.conn.QueryContext(ctx, query, args)
	rich, ok := inner.(rows)
	if err != nil || !ok {
		m.failed = err != nil
		c.meter.ended(&m)
		return inner, err
	}
	m.rows, m.first = 0, time.Since(m.start)
	r := &c.rows
	if c.open {
		r = &timedRows{}
	} else {
		c.open = true
	}
	*r = timedRows{rows: rich, conn: c, measured: m}
	return r, nil
}

func (c *timed) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	m := measured{ctx: ctx, verb: verbBegin, rows: -1, start: time.Now()}
	begun, err := c.conn.BeginTx(ctx, opts)
	m.failed = err != nil
	c.meter.ended(&m)
	if err != nil {
		return nil, err
	}
	c.tx, c.inTx = timedTx{begun, ctx, c}, true
	return &c.tx, nil
}

// CheckNamedValue asks a connection that converts arguments itself.
func (c *timed) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// IsValid asks a connection that can tell.
func (c *timed) IsValid() bool {
	v, ok := c.conn.(driver.Validator)
	return !ok || v.IsValid()
}

type timedTx struct {
	driver.Tx
	ctx  context.Context //nolint:containedctx // Commit of database/sql has none
	conn *timed
}

func (t *timedTx) Commit() error   { return t.end(verbCommit, t.Tx.Commit) }
func (t *timedTx) Rollback() error { return t.end(verbRollback, t.Tx.Rollback) }

func (t *timedTx) end(v verb, by func() error) error {
	m := measured{ctx: t.ctx, verb: v, inTx: true, rows: -1, start: time.Now()}
	err := by()
	m.failed, t.conn.inTx = err != nil, false
	t.conn.meter.ended(&m)
	return err
}

// rows is what both engines' rows can do.
type rows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// timedRows measure a query until they are closed, as both engines look for most rows while they are read.
type timedRows struct {
	rows
	conn     *timed
	measured measured
}

func (r *timedRows) Next(into []driver.Value) error {
	err := r.rows.Next(into)
	switch {
	case err == nil:
		r.measured.rows++
	case !errors.Is(err, io.EOF):
		r.measured.failed = true
	}
	return err
}

// Close is called once: see sql.Rows.
func (r *timedRows) Close() error {
	inner, c := r.rows, r.conn
	err := inner.Close()
	c.meter.ended(&r.measured)
	if r == &c.rows {
		*r, c.open = timedRows{}, false
	}
	return err
}
