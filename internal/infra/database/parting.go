package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
)

// ExecAtCommit runs a statement at the end of the transaction in ctx. On Postgres it goes in one flight with the commit,
// and costs no round trip of its own; when it fails, nothing is committed, and the commit returns its error. That takes a
// connection out of the pool, so it is for what hardly ever fails. One statement can wait in a transaction.
//
// The query has no arguments. Whatever is written into it must have been made by us, such as numbers and ids, or be
// encoded with Hex.
func (d *Driver) ExecAtCommit(ctx context.Context, query string) error {
	if current(ctx) == nil {
		return errors.New("there is no transaction")
	}
	if d.Dialect() == dialect.Postgres {
		query = partingMark + query
	}
	return d.Exec(ctx, query, []any{}, nil)
}

// Hex is a literal of bytes on Postgres. It means the same whatever the settings of the server are.
func Hex(b []byte) string { return fmt.Sprintf(`E'\\x%x'::bytea`, b) }

// partingMark begins a statement that waits for the commit.
const partingMark = "/* at commit */ "

// parting is a transaction of a connection, which may have a last statement.
type parting struct {
	driver.Tx
	ctx  context.Context //nolint:containedctx // Commit of database/sql has none
	conn *scoped
}

func (p parting) Commit() error {
	if p.conn.parting == "" {
		return p.Tx.Commit()
	}
	conn := p.conn.Conn.Conn()
	tag, err := conn.Exec(p.ctx, p.conn.parting+";\ncommit") // without arguments: one message, and one answer to both
	p.conn.known = false
	if err != nil && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		_ = conn.Close(p.ctx) // as pgx does when a commit fails
	}
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("commit was answered %s", tag)
	}
	return err
}

// part makes a statement wait for the commit, in the scope of ctx.
func (c *scoped) part(ctx context.Context, query string) error {
	if c.parting != "" {
		return errors.New("another statement waits for the commit already")
	}
	c.parting = scopeOf(ctx, *c.role.Load()).text() + query
	return nil
}
