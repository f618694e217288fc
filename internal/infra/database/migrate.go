package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/lifecycle"
	"github.com/yourorg/platform/pkg/module"
)

// Migration is one versioned SQL file.
type Migration struct {
	Owner   string // the module or core package
	Version int64
	File    string
	Applied time.Time // zero when it is pending
}

// Migrator applies the SQL files of every owner, each once, in the order of the sets and then of the versions. Each
// file runs in a transaction of its own; one lock keeps replicas from migrating at the same time.
type Migrator struct {
	d    *Driver
	sets []module.MigrationSet
}

// NewMigrator takes the sets in the order in which they are to be applied.
func NewMigrator(d *Driver, sets ...module.MigrationSet) *Migrator {
	return &Migrator{d: d, sets: sets}
}

// Up applies what is missing and returns it. On Postgres it then puts every table with a tenant under row-level security,
// whoever made it.
func (m *Migrator) Up(ctx context.Context) ([]Migration, error) {
	var applied []Migration
	err := m.locked(ctx, func(db *sql.DB) error {
		for _, set := range m.sets {
			p, err := m.provider(db, set)
			if err != nil {
				return wrapSet(set, err)
			}
			results, err := p.Up(ctx)
			for _, r := range results {
				applied = append(applied, Migration{Owner: set.Owner, Version: r.Source.Version, File: r.Source.Path, Applied: time.Now()})
			}
			if err != nil {
				return wrapSet(set, err)
			}
		}
		return m.d.protect(ctx, db)
	})
	return applied, err
}

// Down takes back the newest migration of owner, or all migrations of every owner when owner is empty, and returns
// what it took back.
func (m *Migrator) Down(ctx context.Context, owner string) ([]Migration, error) {
	var undone []Migration
	err := m.locked(ctx, func(db *sql.DB) error {
		known := false
		for _, set := range slices.Backward(m.sets) {
			if owner != "" && set.Owner != owner {
				continue
			}
			known = true
			p, err := m.provider(db, set)
			if err != nil {
				return wrapSet(set, err)
			}
			results, err := down(ctx, p, owner == "")
			for _, r := range results {
				undone = append(undone, Migration{Owner: set.Owner, Version: r.Source.Version, File: r.Source.Path})
			}
			if err != nil {
				return wrapSet(set, err)
			}
		}
		if !known {
			return fmt.Errorf("%q owns no migrations", owner)
		}
		return nil
	})
	return undone, err
}

func down(ctx context.Context, p *goose.Provider, all bool) ([]*goose.MigrationResult, error) {
	if all {
		return p.DownTo(ctx, 0)
	}
	r, err := p.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return nil, errors.New("nothing is applied")
	}
	if r == nil {
		return nil, err
	}
	return []*goose.MigrationResult{r}, err
}

// Status lists every migration, applied or pending, in the order of application. It changes nothing but the version
// tables, which it creates when they are missing.
func (m *Migrator) Status(ctx context.Context) ([]Migration, error) {
	var all []Migration
	err := m.locked(ctx, func(db *sql.DB) error {
		for _, set := range m.sets {
			p, err := m.provider(db, set)
			if err != nil {
				return wrapSet(set, err)
			}
			states, err := p.Status(ctx)
			if err != nil {
				return wrapSet(set, err)
			}
			for _, s := range states {
				all = append(all, Migration{Owner: set.Owner, Version: s.Source.Version, File: s.Source.Path, Applied: s.AppliedAt})
			}
		}
		return nil
	})
	return all, err
}

// Pending lists what Up would apply.
func (m *Migrator) Pending(ctx context.Context) ([]Migration, error) {
	all, err := m.Status(ctx)
	return slices.DeleteFunc(all, func(s Migration) bool { return !s.Applied.IsZero() }), err
}

func wrapSet(set module.MigrationSet, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("migrations of %s: %w", set.Owner, err)
}

// provider keeps one version table per owner, so that a module can come and go.
func (m *Migrator) provider(db *sql.DB, set module.MigrationSet) (*goose.Provider, error) {
	engine, folder := goosedb.DialectPostgres, "postgres"
	if m.d.at.sqlite {
		engine, folder = goosedb.DialectSQLite3, "sqlite"
	}
	files, err := fs.Sub(set.Files, folder)
	if err != nil {
		return nil, err
	}
	store, err := goosedb.NewStore(engine, set.Owner+"_migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider("", db, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
}

// lockID is the key of the advisory lock: the first eight bytes of SHA-256("platform migrations").
const lockID = int64(0x5c39672ddf8539c8)

// locked runs fn under the one migration lock, with connections that no statement timeout cuts short.
func (m *Migrator) locked(ctx context.Context, fn func(*sql.DB) error) error {
	if m.d.at.sqlite {
		lock := flock.New(m.d.at.file + ".migrate.lock")
		if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("lock the migrations: %w", err)
		}
		defer func() { _ = lock.Unlock() }()
		return fn(m.d.write.DB())
	}
	cfg, err := m.d.postgresConfig(nil)
	if err != nil {
		return err
	}
	db := sql.OpenDB(timing{migrating{stdlib.GetConnector(*cfg)}, m.d.sent.of("migrator")})
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("lock the migrations: %w", classify(err))
	}
	defer func() { _ = conn.Close() }() // the lock goes with its connection
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lockID); err != nil {
		return fmt.Errorf("lock the migrations: %w", err)
	}
	return fn(db)
}

// Ordered puts the core's sets, by name, before those of the features, which come in dependency order.
func Ordered(core []module.MigrationSet, features Features) []module.MigrationSet {
	core = slices.SortedFunc(slices.Values(core), func(a, b module.MigrationSet) int { return strings.Compare(a.Owner, b.Owner) })
	return append(core, features...)
}

// migrateTimeout is for large tables, and for waiting until another replica has migrated them.
const migrateTimeout = 15 * time.Minute

// ready migrates, or refuses to start while something is missing.
func (m *Migrator) ready(ctx context.Context, auto bool, log *zap.Logger) error {
	lifecycle.Allow(ctx, migrateTimeout)
	if !auto {
		return m.refusePending(ctx)
	}
	applied, err := m.Up(ctx)
	for _, a := range applied {
		log.Info("migrated", zap.String("owner", a.Owner), zap.Int64("version", a.Version))
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (m *Migrator) refusePending(ctx context.Context) error {
	pending, err := m.Pending(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("%d migrations are pending, the first is %s %s: run \"platform migrate up\" or turn database.auto_migrate on",
			len(pending), pending[0].Owner, pending[0].File)
	}
	return nil
}
