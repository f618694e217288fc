package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yourorg/platform/pkg/problem"
)

func TestErrorsOfTheEnginesBecomeProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want *problem.Problem
	}{
		"a serialization failure":           {&pgconn.PgError{Code: "40001"}, ErrBusy},
		"a deadlock":                        {&pgconn.PgError{Code: "40P01"}, ErrBusy},
		"a lock that was not free":          {&pgconn.PgError{Code: "55P03"}, ErrBusy},
		"a statement timeout":               {&pgconn.PgError{Code: "57014"}, ErrTimeout},
		"an idle transaction":               {&pgconn.PgError{Code: "25P03"}, ErrTimeout},
		"a standby":                         {&pgconn.PgError{Code: "25006"}, ErrReadOnly},
		"a full disk":                       {&pgconn.PgError{Code: "53100"}, ErrFull},
		"too many connections":              {&pgconn.PgError{Code: "53300"}, ErrUnavailable},
		"a server that shuts down":          {&pgconn.PgError{Code: "57P01"}, ErrUnavailable},
		"a lost connection":                 {&pgconn.PgError{Code: "08006"}, ErrUnavailable},
		"a network error":                   {&net.OpError{Op: "dial", Err: errors.New("refused")}, ErrUnavailable},
		"a connection that has gone bad":    {driver.ErrBadConn, ErrUnavailable},
		"a connection that was closed":      {sql.ErrConnDone, ErrUnavailable},
		"an answer that was cut off":        {io.ErrUnexpectedEOF, ErrUnavailable},
		"a connection that the driver lost": {pgconn.ErrConnClosed, ErrUnavailable},
		"a socket that was closed":          {net.ErrClosed, ErrUnavailable},
		"a unique violation stays":          {&pgconn.PgError{Code: "23505"}, nil},
		"a syntax error stays":              {&pgconn.PgError{Code: "42601"}, nil},
		"a caller that left stays":          {context.Canceled, nil},
		"a deadline of the request stays":   {context.DeadlineExceeded, nil},
		"an error of nobody's stays":        {errors.New("x"), nil},
		"no rows stays":                     {sql.ErrNoRows, nil},
		"a transaction that is over stays":  {sql.ErrTxDone, nil},
		"a cancelled network request stays": {&net.OpError{Op: "read", Err: context.Canceled}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{tt.err, fmt.Errorf("wrapped: %w", tt.err)} {
				got := classify(err)
				require.ErrorIs(t, got, tt.err, "the cause stays for the log")
				if tt.want == nil {
					require.Equal(t, err, got)
					continue
				}
				require.ErrorIs(t, got, tt.want)
				require.Equal(t, problem.Unavailable, problem.From(got).Kind)
			}
		})
	}
	require.NoError(t, classify(nil))
}

func TestResultCodesOfSQLite(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]*problem.Problem{
		sqlite3.SQLITE_BUSY: ErrBusy, sqlite3.SQLITE_LOCKED: ErrBusy, sqlite3.SQLITE_READONLY: ErrReadOnly,
		sqlite3.SQLITE_FULL: ErrFull, sqlite3.SQLITE_IOERR: ErrUnavailable, sqlite3.SQLITE_CANTOPEN: ErrUnavailable,
		sqlite3.SQLITE_CONSTRAINT: nil, sqlite3.SQLITE_ERROR: nil, sqlite3.SQLITE_CORRUPT: nil,
	} {
		require.Equal(t, want, sqliteClass(code), "result code %d", code)
	}
}

func TestAConstraintOfSQLiteStaysAsItIs(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	insert := func() error {
		return d.Exec(t.Context(), "INSERT INTO things (id) VALUES ('a')", []any{}, nil)
	}
	require.NoError(t, insert())
	err := insert()
	require.ErrorContains(t, err, "UNIQUE")
	require.Equal(t, "internal", problem.From(err).Code)
}
