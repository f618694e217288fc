package database

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/problem"
)

func count(t *testing.T, d *Driver, ctx context.Context) int {
	t.Helper()
	var rows entsql.Rows
	require.NoError(t, d.Query(ctx, "SELECT COUNT(*) FROM things", []any{}, &rows))
	defer func() { require.NoError(t, rows.Close()) }()
	require.True(t, rows.Next())
	var n int
	require.NoError(t, rows.Scan(&n))
	return n
}

func TestAStatementOutsideTheOpenTransactionIsAnErrorNotADeadlock(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, d.Exec(ctx, "INSERT INTO things (id) VALUES ('a')", []any{}, nil))
		outside := d.Exec(t.Context(), "INSERT INTO things (id) VALUES ('b')", []any{}, nil)
		require.ErrorIs(t, outside, ErrBusy)
		require.ErrorContains(t, outside, "outside the open transaction")
		var rows entsql.Rows
		require.ErrorIs(t, d.Query(t.Context(), "INSERT INTO things (id) VALUES ('c') RETURNING id", []any{}, &rows), ErrBusy)
		require.ErrorIs(t, d.InTx(t.Context(), func(context.Context) error { return nil }), ErrBusy)
		require.Zero(t, count(t, d, t.Context()), "a read outside sees what was committed")
		require.Equal(t, 1, count(t, d, ctx), "a read inside sees its own write")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, count(t, d, t.Context()))
}

func TestWhoWaitsForTheWriterLeavesWithItsRequest(t *testing.T) {
	t.Parallel()
	cfg := withFile(filepath.Join(t.TempDir(), "test.db"))
	cfg.BusyTimeout = time.Hour
	d, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	require.NoError(t, d.InTx(t.Context(), func(context.Context) error {
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, d.Exec(short, "CREATE TABLE x (id)", []any{}, nil), context.DeadlineExceeded)
		return nil
	}))
}

func TestTheReadersCannotWrite(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	err := classify(d.read.Exec(t.Context(), "INSERT INTO things (id) VALUES ('a')", []any{}, nil))
	require.ErrorIs(t, err, ErrReadOnly)
}

func TestTheStatementDecidesWhoRunsIt(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		"SELECT 1": true, " \n\t(select 1)": true, "Select": true,
		"INSERT INTO a VALUES (1) RETURNING id": false, "UPDATE a SET b = 1 RETURNING id": false, "PRAGMA user_version": false,
		"WITH x AS (SELECT 1) DELETE FROM a": false, "": false, "SELEC": false,
	} {
		require.Equal(t, want, reads(query), query)
	}
}

func TestRowsOfAReturningStatementGiveTheWriterBack(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	for _, id := range []string{"a", "b", "c"} {
		var rows entsql.Rows
		require.NoError(t, d.Query(t.Context(), "INSERT INTO things (id) VALUES (?) RETURNING id", []any{id}, &rows))
		require.Len(t, d.writer, 1, "held while the rows are read")
		require.NoError(t, rows.Close())
		require.Empty(t, d.writer)
		require.NoError(t, rows.Close(), "closing twice gives back once")
	}
	var rows entsql.Rows
	require.Error(t, d.Query(t.Context(), "INSERT INTO nothing (id) VALUES ('a') RETURNING id", []any{}, &rows))
	require.Empty(t, d.writer, "given back after an error too")
	require.Equal(t, 3, count(t, d, t.Context()))
}

// hold keeps the lock of another process on the file until the test calls release.
func hold(t *testing.T, file, begin string) (release func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath())
	require.NoError(t, err)
	conn, err := other.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), begin)
	require.NoError(t, err)
	return func() {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, errors.Join(err, conn.Close(), other.Close()))
	}
}

func TestALockedFileIsBusyAndRecovers(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	release := hold(t, d.at.file, "BEGIN EXCLUSIVE")
	insert := func() error { return d.Exec(t.Context(), "INSERT INTO things (id) VALUES ('a')", []any{}, nil) }
	require.ErrorIs(t, insert(), ErrBusy)
	err := d.InTx(t.Context(), func(context.Context) error { t.Error("must not run"); return nil })
	require.ErrorIs(t, err, ErrBusy)
	require.Equal(t, problem.Unavailable, problem.From(err).Kind)
	require.Zero(t, count(t, d, t.Context()), "reads go on")
	status, reason := d.Check(t.Context())
	require.Equal(t, health.Degraded, status)
	require.ErrorIs(t, reason, ErrBusy)
	release()
	require.NoError(t, insert())
	status, reason = d.Check(t.Context())
	require.Equal(t, health.Healthy, status)
	require.NoError(t, reason)
}

func TestOnlyTheOwnerCanReadANewFile(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	for _, file := range []string{d.at.file, d.at.file + "-wal"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestAFileThatIsLockedAtTheStartIsWaitedForAndNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.db")
	release := hold(t, file, "BEGIN EXCLUSIVE; CREATE TABLE x (id)") // not in WAL mode yet, so nobody can even look
	cfg := withFile(file)
	cfg.ConnectTimeout = 300 * time.Millisecond
	d, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	err = d.Connect(t.Context())
	require.ErrorContains(t, err, "the database "+file+" did not answer within 300ms")
	release()

	again, err := Open(withFile(file))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close()) })
	require.NoError(t, again.Connect(t.Context()))
}

func TestAFileThatIsNoDatabaseFailsAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(file, []byte("This is no database, and should stay what it is.\n"+string(make([]byte, 4096))), 0o600))
	cfg := withFile(file)
	cfg.ConnectTimeout = time.Hour
	d, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.ErrorContains(t, d.Connect(t.Context()), "cannot be opened")
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	blocker := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocker, nil, 0o600))
	d, err := Open(withFile(filepath.Join(blocker, "test.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.ErrorContains(t, d.Connect(t.Context()), "database.url")
}

func TestAQueryThatTakesTooLongEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	d := openFile(t)
	const forever = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c)"
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	var rows entsql.Rows
	err := d.Query(short, "SELECT COUNT(*) FROM "+forever, []any{}, &rows)
	if err == nil { // the driver computes a row when it is asked for
		require.False(t, rows.Next())
		err = errors.Join(rows.Err(), rows.Close())
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)

	short, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err = d.InTx(short, func(ctx context.Context) error {
		return d.Exec(ctx, "INSERT INTO things (id) SELECT x FROM "+forever, []any{}, nil)
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Zero(t, count(t, d, t.Context()))
	require.NoError(t, d.Exec(t.Context(), "INSERT INTO things (id) VALUES ('a')", []any{}, nil))
}
