package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// connector makes connections to Postgres on which no statement runs without its scope.
type connector struct {
	cfg  pgx.ConnConfig
	role *atomic.Pointer[string]
}

func (c connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	w := &wire{}
	c.cfg.BuildFrontend = w.frontend
	inner, err := stdlib.GetConnector(c.cfg).Connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &scoped{Conn: inner.(*stdlib.Conn), wire: w, role: c.role}
	pgxuuid.Register(s.Conn.Conn().TypeMap())                          // or every id would be sent by way of its text, after a failed attempt
	if c.cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement { // the others are for servers that keep no statements
		if _, err := s.Conn.Conn().Prepare(ctx, setScopeName, setScope); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.prepared = true
	}
	return s, nil
}

// scoped is a connection that tells the server, before each statement, the role and the tenant of the statement's
// context. It is below database/sql, so that no way to the pool leads around it. In a transaction it tells only what has
// changed since the statement before.
type scoped struct {
	*stdlib.Conn
	wire     *wire
	role     *atomic.Pointer[string]
	prepared bool

	last  scope // what the open transaction has
	known bool  // whether last is certain

	parting string // what the open transaction ends with: see ExecAtCommit
}

func (c *scoped) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.known, c.parting = false, ""
	begun, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return parting{begun, ctx, c}, nil
}

func (c *scoped) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.within(ctx, query, func() error {
		rows, err = c.Conn.QueryContext(ctx, query, args)
		return err
	})
	return rows, err
}

func (c *scoped) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	if query, waits := strings.CutPrefix(query, partingMark); waits {
		return driver.ResultNoRows, c.part(ctx, query)
	}
	err = c.within(ctx, query, func() error {
		result, err = c.Conn.ExecContext(ctx, query, args)
		return err
	})
	return result, err
}

func (c *scoped) within(ctx context.Context, query string, send func() error) error {
	want := scopeOf(ctx, *c.role.Load())
	server := c.Conn.Conn().PgConn()
	open := !server.IsClosed() && server.TxStatus() != 'I' // one that is closed may still be read from, by its goodbye
	if !open || !c.known || c.last != want {
		c.wire.ahead.Store(want.ahead(c.prepared))
	}
	err := send()
	c.wire.ahead.Store(nil) // when nothing was sent
	c.last, c.known = want, err == nil && keepsScope(query)
	return err
}

// keepsScope tells whether the scope is certainly the same after query: rolling back to a savepoint would undo it.
func keepsScope(query string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(query, " \t\r\n("), " ")
	switch strings.ToUpper(word) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// errNoPreparing keeps statements from running outside their scope.
var errNoPreparing = errors.New("statements run through Exec and Query, which prepare and cache them")

func (*scoped) Prepare(string) (driver.Stmt, error) { return nil, errNoPreparing }

func (*scoped) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errNoPreparing
}

// migrating makes connections for the migrator, which is not confined: its transactions are in system scope, because
// forced policies bind the owner of a table too.
type migrating struct{ driver.Connector }

func (c migrating) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return migration{inner.(*stdlib.Conn)}, nil
}

type migration struct{ *stdlib.Conn }

func (c migration) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "SELECT set_config('platform.system', 'migration', true)", nil); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}
