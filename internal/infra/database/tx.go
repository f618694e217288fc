package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/tx"
)

type txKey struct{}

// transaction is the one in a context.
type transaction struct {
	dialect.Tx

	mu       sync.Mutex
	rollback error // set by a nested InTx that failed: the outer one may not commit
}

var _ tx.Runner = (*Driver)(nil)

// errRollbackOnly is what the outer InTx returns when it ignored the error of a nested one.
var errRollbackOnly = errors.New("a nested transaction failed, so this one cannot commit")

// Exec runs a statement, in the transaction of ctx when there is one.
func (d *Driver) Exec(ctx context.Context, query string, args, v any) error {
	if t := current(ctx); t != nil {
		return classify(t.Exec(ctx, query, args, v))
	}
	release, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	err = classify(d.write.Exec(ctx, query, args, v))
	d.wrote(err)
	return err
}

// Query runs a query, in the transaction of ctx when there is one. ent sends INSERT … RETURNING through Query, so on
// SQLite the statement decides who runs it: only a SELECT goes to the readers.
func (d *Driver) Query(ctx context.Context, query string, args, v any) error {
	if t := current(ctx); t != nil {
		return classify(t.Query(ctx, query, args, v))
	}
	if d.writer == nil || reads(query) {
		return classify(d.read.Query(ctx, query, args, v))
	}
	release, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	if err := d.write.Query(ctx, query, args, v); err != nil {
		release()
		return classify(err)
	}
	if rows, ok := v.(*entsql.Rows); ok {
		rows.ColumnScanner = &heldRows{ColumnScanner: rows.ColumnScanner, release: sync.OnceFunc(release)}
		return nil
	}
	release()
	return nil
}

// heldRows give the writer back when they are closed.
type heldRows struct {
	entsql.ColumnScanner
	release func()
}

func (r *heldRows) Close() error { defer r.release(); return r.ColumnScanner.Close() }

// Tx joins the transaction in ctx; ent calls it for mutations of several statements. Without one it begins its own.
func (d *Driver) Tx(ctx context.Context) (dialect.Tx, error) {
	if current(ctx) != nil {
		return dialect.NopTx(d), nil
	}
	return d.begin(ctx)
}

// InTx implements tx.Runner.
func (d *Driver) InTx(ctx context.Context, fn func(context.Context) error) error {
	if t := current(ctx); t != nil {
		return t.nested(ctx, fn)
	}
	err := d.inTx(ctx, fn)
	d.wrote(err)
	return err
}

func (d *Driver) inTx(ctx context.Context, fn func(context.Context) error) error {
	begun, err := d.begin(ctx)
	if err != nil {
		return err
	}
	finished := false
	defer func() {
		if !finished { // a panic, or runtime.Goexit
			_ = begun.Rollback()
		}
	}()
	t := &transaction{Tx: begun}
	inner, hooks := tx.NewContext(context.WithValue(ctx, txKey{}, t))
	err = fn(inner)
	if err == nil {
		err = t.failure()
	}
	for _, before := range d.beforeCommit {
		if err == nil {
			err = before(inner)
		}
	}
	finished = true
	if err != nil {
		if undo := ignoreDone(begun.Rollback()); undo != nil {
			return errors.Join(err, fmt.Errorf("roll back: %w", undo))
		}
		return err
	}
	if err := begun.Commit(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("commit: %w", classify(err))
	}
	hooks.Run(ctx)
	return nil
}

// BeforeCommit calls fn at the end of every transaction that is about to commit, inside of it; an error rolls it back.
// It is for the wiring: what is added after the first transaction may be missed.
func (d *Driver) BeforeCommit(fn func(context.Context) error) {
	d.beforeCommit = append(d.beforeCommit, fn)
}

// Audited is provided by the audit trail, once it hears of every commit. Whoever gets the driver for an ent client waits
// for it: what the client changes must not go unrecorded.
type Audited struct{}

func (t *transaction) nested(ctx context.Context, fn func(context.Context) error) error {
	if err := t.failure(); err != nil {
		return err
	}
	err := fn(ctx)
	if err != nil {
		t.mu.Lock()
		t.rollback = fmt.Errorf("%w: %w", errRollbackOnly, err)
		t.mu.Unlock()
	}
	return err
}

func (t *transaction) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rollback
}

func (d *Driver) begin(ctx context.Context) (dialect.Tx, error) {
	release, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	begun, err := d.write.Tx(ctx)
	if err != nil {
		release()
		return nil, fmt.Errorf("begin: %w", classify(err))
	}
	return &released{Tx: begun, release: sync.OnceFunc(release)}, nil
}

// released gives the writer back when its transaction ends.
type released struct {
	dialect.Tx
	release func()
}

func (r *released) Commit() error   { defer r.release(); return r.Tx.Commit() }
func (r *released) Rollback() error { defer r.release(); return r.Tx.Rollback() }

// acquire waits for SQLite's one writer, but not for ever: a statement inside a transaction that lost its context
// would wait for itself.
func (d *Driver) acquire(ctx context.Context) (release func(), err error) {
	if d.writer == nil {
		return func() {}, nil
	}
	select {
	case d.writer <- struct{}{}:
	default:
		m := measured{ctx: ctx, verb: verbWait, rows: -1, start: time.Now(), failed: true}
		defer func() { d.queue.ended(&m) }()
		wait := time.NewTimer(d.cfg.BusyTimeout)
		defer wait.Stop()
		select {
		case d.writer <- struct{}{}:
			m.failed = false
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the writer: %w", ctx.Err())
		case <-wait.C:
			return nil, ErrBusy.Wrap(errors.New("the writer was not free in time; does a statement run outside the open transaction of its request?"))
		}
	}
	return func() { <-d.writer }, nil
}

func current(ctx context.Context) *transaction {
	t, _ := ctx.Value(txKey{}).(*transaction)
	return t
}

func reads(query string) bool {
	query = strings.TrimLeft(query, " \t\r\n(")
	return len(query) >= 6 && strings.EqualFold(query[:6], "SELECT")
}
