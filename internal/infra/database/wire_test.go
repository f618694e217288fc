package database

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

type backend interface {
	Encode(dst []byte) ([]byte, error)
}

func encoded(messages ...backend) (b []byte) {
	for _, m := range messages {
		b = must(m.Encode(b))
	}
	return b
}

// pieces reads in pieces of drawn sizes.
type pieces struct {
	t *rapid.T
	r io.Reader
}

func (p pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), rapid.IntRange(1, 40).Draw(p.t, "piece"))])
}

func TestTheAnswerToWhatWentAheadIsHiddenHoweverItArrives(t *testing.T) {
	t.Parallel()
	row := &pgproto3.DataRow{Values: [][]byte{[]byte("platform_app"), []byte("C")}}
	done := func(tag string) *pgproto3.CommandComplete { return &pgproto3.CommandComplete{CommandTag: []byte(tag)} }
	before := encoded(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	notice := encoded(&pgproto3.NoticeResponse{Message: "heard"}, &pgproto3.ParameterStatus{Name: "is_superuser", Value: "off"})
	hidden := encoded(&pgproto3.ParseComplete{}, &pgproto3.BindComplete{}, &pgproto3.RowDescription{}, row)
	answer := encoded(&pgproto3.BindComplete{}, row, row, done("SELECT 2"), &pgproto3.ReadyForQuery{TxStatus: 'I'})
	refused := encoded(&pgproto3.ErrorResponse{Code: "42501"}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	rapid.Check(t, func(t *rapid.T) {
		stream, want := bytes.Join([][]byte{before, hidden, notice, encoded(done("SELECT 1")), answer, answer}, nil), bytes.Join([][]byte{before, notice, answer, answer}, nil)
		if rapid.Bool().Draw(t, "refused") {
			stream, want = bytes.Join([][]byte{before, hidden, refused, answer}, nil), bytes.Join([][]byte{before, refused, answer}, nil)
		}
		w := &wire{w: io.Discard}
		w.r = pieces{t, bytes.NewReader(stream)}
		got := make([]byte, len(before))
		_, err := io.ReadFull(w, got)
		require.NoError(t, err)
		w.ahead.Store(scope{role: noRole}.ahead(true))
		_, err = w.Write(encoded(&pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}))
		require.NoError(t, err)
		rest, err := io.ReadAll(w)
		require.NoError(t, err)
		require.Equal(t, want, append(got, rest...))
	})
}

func TestPreparingIsAFlightOfItsOwn(t *testing.T) {
	t.Parallel()
	var sent bytes.Buffer
	w := &wire{w: &sent}
	w.ahead.Store(scope{role: noRole}.ahead(false))
	prepare := encoded(&pgproto3.Parse{Query: "SELECT 1"}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Sync{})
	_, err := w.Write(prepare)
	require.NoError(t, err)
	require.Equal(t, prepare, sent.Bytes())
	sent.Reset()

	n, err := w.Write(encoded(&pgproto3.Query{String: "DELETE FROM x"}))
	require.NoError(t, err)
	require.Equal(t, 5+len("DELETE FROM x")+1, n, "of what it was given")
	require.Contains(t, sent.String(), ";\nDELETE FROM x\x00")
	require.True(t, w.hiding)

	broken := &wire{w: failing{}}
	broken.ahead.Store(scope{role: noRole}.ahead(false))
	n, err = broken.Write(encoded(&pgproto3.Query{String: "DELETE FROM x"}))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Zero(t, n, "nothing was sent, so it is safe to try again")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// What a transaction has set would be somebody else's behind a pooler.
func TestNothingIsLeftOnTheConnection(t *testing.T) {
	t.Parallel()
	if os.Getenv("PLATFORM_TEST_DATABASE") != "postgres" {
		t.Skip("only on Postgres")
	}
	dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	}
	for _, mode := range []string{"cache_statement", "cache_describe", "exec", "describe_exec", "simple_protocol"} {
		cfg := DefaultConfig()
		cfg.URL = config.URL(dsn + "&default_query_exec_mode=" + mode)
		d, err := Open(cfg)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		conn, err := d.write.DB().Conn(t.Context())
		require.NoError(t, err)
		ctx, id := tenant.System(tenant.NewContext(t.Context(), uuid.New()), "it's odd \\"), ""
		left := func() (all string) {
			require.NoError(t, conn.Raw(func(c any) error {
				return c.(*timed).conn.(*scoped).Conn.Conn().QueryRow(context.Background(),
					"SELECT coalesce(current_setting('platform.tenant', true), '') || coalesce(current_setting('platform.system', true), '')").Scan(&all)
			}))
			return all
		}
		const ask = "SELECT current_setting('platform.tenant') || current_setting('platform.system') || $1::text"
		want, _ := tenant.FromContext(ctx)
		require.NoError(t, conn.QueryRowContext(ctx, ask, "").Scan(&id), mode)
		require.Equal(t, want.String()+"it's odd \\", id, mode)
		require.Empty(t, left(), mode)

		begun, err := conn.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = begun.ExecContext(ctx, "SELECT 1; SELECT 2")
		require.NoError(t, err, mode)
		require.Equal(t, want.String()+"it's odd \\", left(), "%s: in the transaction", mode)
		require.NoError(t, begun.Commit())
		require.Empty(t, left(), mode)

		_, err = conn.ExecContext(ctx, "SELECT 1/0")
		require.ErrorContains(t, err, "division by zero", mode)
		require.Error(t, conn.QueryRowContext(ctx, "SELECT 1/$1::int", 0).Scan(&id), mode)
		require.Empty(t, left(), mode)
		_, err = conn.PrepareContext(ctx, "SELECT 1")
		require.ErrorIs(t, err, errNoPreparing)
		require.NoError(t, conn.Close())
	}
	_, err := (&scoped{}).Prepare("SELECT 1")
	require.ErrorIs(t, err, errNoPreparing)
}

// pgx says goodbye on a connection whose context has ended while the statement returns. The race detector is the judge.
func TestAContextThatEndsUnderAStatementRacesWithNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("PLATFORM_TEST_DATABASE") != "postgres" {
		t.Skip("only on Postgres")
	}
	cfg := DefaultConfig()
	cfg.URL = config.URL(cmp.Or(os.Getenv("PLATFORM_TEST_POSTGRES_DSN"), "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"))
	d, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	system := tenant.System(t.Context(), "a test")
	for range 20 {
		ctx, cancel := context.WithTimeout(system, 5*time.Millisecond)
		var rows entsql.Rows
		if err := d.Query(ctx, "SELECT pg_sleep(30)", []any{}, &rows); err == nil {
			require.False(t, rows.Next())
			require.NoError(t, rows.Close())
		}
		cancel()
		require.Error(t, d.InTx(system, func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			err := d.Exec(short, "SELECT pg_sleep(30)", []any{}, nil)
			require.Error(t, err)
			require.Error(t, d.Exec(ctx, "SELECT 1", []any{}, nil), "the connection is gone")
			return err
		}))
	}
}
