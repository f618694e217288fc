package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"
)

// Pool is the pool that writes, for a library that brings its own statements. On SQLite it has one connection, which is
// that of all transactions. On Postgres its statements are confined like all others.
func (d *Driver) Pool() *sql.DB { return d.write.DB() }

// WithTx calls fn with the transaction in ctx, for a library that brings its own statements. fn must not end it.
func (d *Driver) WithTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	t := current(ctx)
	if t == nil {
		return errors.New("there is no transaction")
	}
	begun, ok := t.Tx.(*released)
	if !ok {
		return fmt.Errorf("the transaction is a %T", t.Tx)
	}
	inner, ok := begun.Tx.(*entsql.Tx)
	if !ok {
		return fmt.Errorf("the transaction is a %T", begun.Tx)
	}
	tx, ok := inner.ExecQuerier.(*sql.Tx)
	if !ok {
		return fmt.Errorf("the transaction is a %T", inner.ExecQuerier)
	}
	return classify(fn(tx))
}
