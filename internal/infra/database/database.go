// Package database opens the one SQL database, carries its transaction in the context and migrates it.
package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"modernc.org/sqlite"

	"github.com/yourorg/platform/internal/lifecycle"
)

// Driver is the one database behind every ent client: SQLite with one writer and a pool of readers, or Postgres.
// It joins every statement to the transaction in its context.
type Driver struct {
	cfg    Config
	at     address
	id     string // of this process, among those who notify each other
	write  *entsql.Driver
	read   *entsql.Driver // the same as write on Postgres
	writer chan struct{}  // SQLite's one writer; nil on Postgres
	log    *zap.Logger
	sent   *statements
	queue  *meter                 // the waiting for the writer
	fault  atomic.Pointer[fault]  // of the last write that the database refused, until one succeeds
	role   atomic.Pointer[string] // of every statement on Postgres, see Confine

	beforeCommit []func(context.Context) error
}

var _ dialect.Driver = (*Driver)(nil)

// mainPool is the one pool on Postgres. SQLite has two.
const mainPool = "main"

// Open prepares the database and connects to nothing yet: see Connect.
func Open(cfg Config) (*Driver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	at, err := parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, at: at, id: rand.Text(), log: zap.NewNop(), sent: newStatements(cfg)}
	if at.sqlite {
		return d, d.openSQLite()
	}
	pgxCfg, err := d.postgresConfig(map[string]string{
		"statement_timeout":                   milliseconds(cfg.StatementTimeout),
		"lock_timeout":                        milliseconds(cfg.LockTimeout),
		"idle_in_transaction_session_timeout": milliseconds(2 * cfg.StatementTimeout),
	})
	if err != nil {
		return nil, err
	}
	d.role.Store(new(noRole))
	db := sql.OpenDB(timing{connector{*pgxCfg, &d.role}, d.sent.of(mainPool)})
	db.SetMaxOpenConns(cfg.MaxOpenConns)
	db.SetMaxIdleConns(cfg.MaxIdleConns)
	db.SetConnMaxLifetime(cfg.ConnMaxLifetime)
	db.SetConnMaxIdleTime(cfg.ConnMaxIdleTime)
	d.write = entsql.OpenDB(dialect.Postgres, db)
	d.read = d.write
	return d, nil
}

func (d *Driver) openSQLite() error {
	writer := d.sent.of("writer")
	write, err := openTimed(d.sqliteDSN("_txlock=immediate"), writer)
	if err != nil {
		return fmt.Errorf("open %s: %w", d.at.file, err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	read, err := openTimed(d.sqliteDSN("_pragma=query_only(1)"), d.sent.of("readers"))
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", d.at.file, err), write.Close())
	}
	read.SetMaxOpenConns(d.cfg.MaxOpenConns)
	read.SetMaxIdleConns(d.cfg.MaxIdleConns)
	d.write, d.read = entsql.OpenDB(dialect.SQLite, write), entsql.OpenDB(dialect.SQLite, read)
	d.writer, d.queue = make(chan struct{}, 1), writer
	return nil
}

func openTimed(dsn string, m *meter) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(timing{c, m}), nil
}

func (d *Driver) sqliteDSN(extra string) string {
	return "file:" + (&url.URL{Path: d.at.file}).EscapedPath() + "?" + strings.Join([]string{
		"_pragma=busy_timeout(" + milliseconds(d.cfg.BusyTimeout) + ")", // first: the others may have to wait
		"_pragma=journal_mode(WAL)",
		"_pragma=foreign_keys(1)",
		"_pragma=synchronous(" + d.cfg.Synchronous + ")",
		"_time_format=sqlite",
		extra,
	}, "&")
}

func (d *Driver) postgresConfig(params map[string]string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(d.at.url)
	if err != nil {
		return nil, errors.New("database.url cannot be parsed") // pgx's own error may quote the password
	}
	for name, value := range params {
		if _, set := cfg.RuntimeParams[name]; !set {
			cfg.RuntimeParams[name] = value
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	return cfg, nil
}

func milliseconds(t time.Duration) string { return strconv.FormatInt(t.Milliseconds(), 10) }

// Connect waits until the database answers, with growing pauses, for at most ConnectTimeout.
func (d *Driver) Connect(ctx context.Context) error {
	lifecycle.Allow(ctx, d.cfg.ConnectTimeout+30*time.Second) // it knows better what it waits for
	if d.at.sqlite {
		if err := makeFile(d.at.file); err != nil {
			return fmt.Errorf("database.url %s: %w", d.at, err)
		}
	}
	within, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := d.ping(within)
		if err == nil {
			return nil
		}
		if within.Err() == nil && d.final(err) {
			return fmt.Errorf("the database %s cannot be opened: %w", d.at, err)
		}
		d.log.Warn("the database does not answer yet", zap.Stringer("database", d.at), zap.Error(err))
		select {
		case <-within.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("connect to the database %s: %w", d.at, ctx.Err())
			}
			return fmt.Errorf("the database %s did not answer within %s: %w", d.at, d.cfg.ConnectTimeout, err)
		case <-time.After(pause):
		}
	}
}

// makeFile creates an empty database file that only its owner can read: it holds password hashes.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// final tells whether waiting cannot mend err: a file that is no database or may not be used, a server that knows no
// such user or database (SQLSTATE 28xxx and 3D000).
func (d *Driver) final(err error) bool {
	if d.at.sqlite {
		return !errors.Is(classify(err), ErrBusy)
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(e.Code, "28") || e.Code == "3D000")
}

func (d *Driver) ping(ctx context.Context) error {
	if err := d.write.DB().PingContext(ctx); err != nil {
		return err
	}
	return d.read.DB().PingContext(ctx)
}

// Dialect is dialect.SQLite or dialect.Postgres.
func (d *Driver) Dialect() string { return d.write.Dialect() }

// Close ends all connections.
func (d *Driver) Close() error {
	if d.read != d.write {
		return errors.Join(d.read.Close(), d.write.Close())
	}
	return d.write.Close()
}

// Pools returns the statistics of each pool, for the metrics.
func (d *Driver) Pools() map[string]sql.DBStats {
	if d.read == d.write {
		return map[string]sql.DBStats{mainPool: d.write.DB().Stats()}
	}
	return map[string]sql.DBStats{"writer": d.write.DB().Stats(), "readers": d.read.DB().Stats()}
}
