package database

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "database" section of the configuration.
type Config struct {
	// URL names the database: sqlite:///abs/path.db, sqlite://relative.db or postgres://user:password@host/name.
	URL config.URL `mapstructure:"url"`
	// AutoMigrate applies missing migrations at the start. When off, a start with missing ones fails.
	AutoMigrate bool `mapstructure:"auto_migrate"`
	// ConnectTimeout is how long the start waits for a database that does not answer.
	ConnectTimeout time.Duration `mapstructure:"connect_timeout"`
	// MaxOpenConns limits the connections to Postgres, and the readers of SQLite (which has one writer).
	MaxOpenConns int `mapstructure:"max_open_conns"`
	// MaxIdleConns is how many connections are kept when idle.
	MaxIdleConns int `mapstructure:"max_idle_conns"`
	// ConnMaxLifetime ends a Postgres connection of that age, so that a failover or a new replica is noticed.
	ConnMaxLifetime time.Duration `mapstructure:"conn_max_lifetime"`
	// ConnMaxIdleTime ends a Postgres connection that was idle for so long.
	ConnMaxIdleTime time.Duration `mapstructure:"conn_max_idle_time"`
	// BusyTimeout is how long a write waits for its turn at SQLite's one writer, and then as long again for a lock of
	// another process, before it answers 503.
	BusyTimeout time.Duration `mapstructure:"busy_timeout"`
	// StatementTimeout cancels a Postgres statement that runs for longer. Migrations are exempt.
	StatementTimeout time.Duration `mapstructure:"statement_timeout"`
	// LockTimeout cancels a Postgres statement that waits for a lock for longer.
	LockTimeout time.Duration `mapstructure:"lock_timeout"`
	// SlowQuery is from when on a statement is slow: it is logged with its shape, never its values. So are beginning and
	// committing a transaction, and waiting for SQLite's one writer. 0 logs none.
	SlowQuery time.Duration `mapstructure:"slow_query" reload:"true"`
	// SlowQueryLines is how many slow statements are logged in a second. A later line says how many were left out.
	SlowQueryLines int `mapstructure:"slow_query_lines" reload:"true"`
	// AppRole is the Postgres role in which every statement runs, so that row-level security holds for a superuser and
	// for the owner of the tables too. The migrator makes it where it may. Empty switches it off, which production refuses.
	AppRole string `mapstructure:"app_role"`
	// Synchronous is SQLite's durability: "full" survives a power cut, "normal" only a crash of the process.
	Synchronous string `mapstructure:"synchronous"`
}

// DefaultConfig is an SQLite file below the working directory.
func DefaultConfig() Config {
	return Config{
		URL:              "sqlite://data/platform.db",
		AutoMigrate:      true,
		ConnectTimeout:   30 * time.Second,
		MaxOpenConns:     20,
		MaxIdleConns:     10,
		ConnMaxLifetime:  30 * time.Minute,
		ConnMaxIdleTime:  5 * time.Minute,
		BusyTimeout:      5 * time.Second,
		StatementTimeout: 30 * time.Second,
		LockTimeout:      10 * time.Second,
		SlowQuery:        500 * time.Millisecond,
		SlowQueryLines:   10,
		AppRole:          "platform_app",
		Synchronous:      "full",
	}
}

var roleName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if _, err := parse(c.URL); err != nil {
		errs = append(errs, config.Invalid("url", "%s", err))
	}
	if c.MaxOpenConns < 2 {
		errs = append(errs, config.Invalid("max_open_conns", "must be at least 2"))
	}
	if c.MaxIdleConns < 0 || c.MaxIdleConns > c.MaxOpenConns {
		errs = append(errs, config.Invalid("max_idle_conns", "must be between 0 and max_open_conns"))
	}
	for key, d := range map[string]time.Duration{
		"connect_timeout": c.ConnectTimeout, "conn_max_lifetime": c.ConnMaxLifetime, "conn_max_idle_time": c.ConnMaxIdleTime,
		"busy_timeout": c.BusyTimeout, "statement_timeout": c.StatementTimeout, "lock_timeout": c.LockTimeout,
	} {
		if d <= 0 {
			errs = append(errs, config.Invalid(key, "must be positive"))
		}
	}
	if c.SlowQuery < 0 {
		errs = append(errs, config.Invalid("slow_query", "must not be negative"))
	}
	if c.SlowQueryLines < 1 {
		errs = append(errs, config.Invalid("slow_query_lines", "must be at least 1"))
	}
	if c.AppRole != "" && (!roleName.MatchString(c.AppRole) || c.AppRole == noRole || c.AppRole == "public") {
		errs = append(errs, config.Invalid("app_role", "must consist of lower case letters, digits and underscores, and not begin with a digit"))
	}
	if c.Synchronous != "full" && c.Synchronous != "normal" {
		errs = append(errs, config.Invalid("synchronous", "must be full or normal"))
	}
	return errors.Join(errs...)
}

// address is a parsed URL: a file for SQLite, the URL itself for Postgres.
type address struct {
	sqlite bool
	file   string
	url    string
}

// String is for people: the file, or the URL without its password.
func (a address) String() string {
	if a.sqlite {
		return a.file
	}
	return config.URL(a.url).String()
}

func parse(u config.URL) (address, error) {
	raw := u.Reveal()
	if rest, ok := strings.CutPrefix(raw, "sqlite://"); ok {
		// "sqlite://rel.db" would parse with rel.db as its host, so the path is taken as it stands.
		file, query, _ := strings.Cut(rest, "?")
		if query != "" {
			return address{}, errors.New("takes no parameters after the file name: use the other database keys")
		}
		file, err := url.PathUnescape(file)
		if err != nil || file == "" || strings.HasSuffix(file, "/") {
			return address{}, errors.New("must name a file, as in sqlite:///var/lib/platform.db or sqlite://data/platform.db")
		}
		if strings.HasPrefix(file, ":memory:") {
			return address{}, errors.New("cannot be in memory: every connection would have a database of its own")
		}
		// Cleaned, because the path becomes a URI again, where a second leading slash would begin a host.
		return address{sqlite: true, file: filepath.Clean(file)}, nil
	}
	parsed, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("cannot be parsed")
	}
	if parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" {
		return address{}, fmt.Errorf("has the scheme %q; sqlite and postgres are known", parsed.Scheme)
	}
	return address{url: raw}, nil
}
