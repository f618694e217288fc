package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yourorg/platform/pkg/problem"
)

// What a request is told when the database cannot do its work. Nothing of the request has happened.
var (
	ErrBusy        = problem.New(problem.Unavailable, "database.busy", "The database is busy")
	ErrReadOnly    = problem.New(problem.Unavailable, "database.read_only", "The database cannot be written to")
	ErrFull        = problem.New(problem.Unavailable, "database.full", "The database is out of space")
	ErrTimeout     = problem.New(problem.Unavailable, "database.timeout", "The database took too long")
	ErrUnavailable = problem.New(problem.Unavailable, "database.unavailable", "The database does not answer")
)

// classify wraps what the caller may try again later. Everything else, constraint errors above all, stays as it is.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if p := class(err); p != nil {
		return p.Wrap(err)
	}
	return err
}

func class(err error) *problem.Problem {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteClass(e.Code() & 0xff) // the low byte is the primary result code
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresClass(e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return ErrUnavailable
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return ErrUnavailable
	}
	for _, gone := range lost {
		if errors.Is(err, gone) {
			return ErrUnavailable
		}
	}
	return nil
}

// lost is how a connection ends whose server is gone; in the middle of an answer it is an unexpected end.
var lost = []error{driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed, net.ErrClosed, io.ErrUnexpectedEOF}

func sqliteClass(code int) *problem.Problem {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_READONLY:
		return ErrReadOnly
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return ErrUnavailable
	}
	return nil
}

// postgresClass reads SQLSTATE (PostgreSQL manual, appendix A).
func postgresClass(state string) *problem.Problem {
	switch {
	case state == "40001" || state == "40P01" || state == "55P03": // serialization, deadlock, lock not available
		return ErrBusy
	case state == "57014" || state == "25P03": // statement timeout, idle in transaction
		return ErrTimeout
	case state == "25006": // read-only transaction, such as on a standby
		return ErrReadOnly
	case state == "53100": // disk full
		return ErrFull
	case strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P"):
		return ErrUnavailable
	}
	return nil
}

// ignoreDone drops the error of ending a transaction that the driver has already ended.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) || errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}
