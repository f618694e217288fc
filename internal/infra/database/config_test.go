package database

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/config"
)

func TestAURLNamesAFileOrAServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url  config.URL
		want address
	}{
		"an absolute path":                    {"sqlite:///var/lib/platform.db", address{sqlite: true, file: "/var/lib/platform.db"}},
		"a relative path":                     {"sqlite://data/platform.db", address{sqlite: true, file: "data/platform.db"}},
		"a bare file is no host":              {"sqlite://rel.db", address{sqlite: true, file: "rel.db"}},
		"a dot folder":                        {"sqlite://./rel.db", address{sqlite: true, file: "rel.db"}},
		"four slashes, as others write it":    {"sqlite:////var/lib/platform.db", address{sqlite: true, file: "/var/lib/platform.db"}},
		"escaped characters":                  {"sqlite://a%20b%3F.db", address{sqlite: true, file: "a b?.db"}},
		"characters that need no escape":      {"sqlite://a b#c.db", address{sqlite: true, file: "a b#c.db"}},
		"postgres":                            {"postgres://u:p@db/platform", address{url: "postgres://u:p@db/platform"}},
		"postgresql is another name for it":   {"postgresql://db/platform", address{url: "postgresql://db/platform"}},
		"parameters of postgres stay with it": {"postgres://db/p?sslmode=disable", address{url: "postgres://db/p?sslmode=disable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(tt.url)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestABadURLIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url  config.URL
		want string
	}{
		"nothing":                      {"", `has the scheme ""`},
		"a file without a scheme":      {"data/platform.db", `has the scheme ""`},
		"another engine":               {"mysql://u:hunter2@db/p", `has the scheme "mysql"`},
		"no file":                      {"sqlite://", "must name a file"},
		"a folder":                     {"sqlite:///var/lib/", "must name a file"},
		"no file at all but memory":    {"sqlite://:memory:", "cannot be in memory"},
		"a broken escape":              {"sqlite://a%zz.db", "must name a file"},
		"parameters after the file":    {"sqlite://a.db?mode=ro", "takes no parameters"},
		"what is not a URL":            {"postgres://u:hunter2@db:port/p", "cannot be parsed"},
		"a keyword string of postgres": {"host=db password=hunter2", `has the scheme ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			cfg.URL = tt.url
			err := cfg.Validate()
			require.ErrorContains(t, err, "url ")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
			_, err = Open(cfg)
			require.Error(t, err)
		})
	}
}

func TestEverySettingIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for key, change := range map[string]func(*Config){
		"url":                func(c *Config) { c.URL = "x" },
		"connect_timeout":    func(c *Config) { c.ConnectTimeout = 0 },
		"max_open_conns":     func(c *Config) { c.MaxOpenConns = 1 },
		"max_idle_conns":     func(c *Config) { c.MaxIdleConns = c.MaxOpenConns + 1 },
		"conn_max_lifetime":  func(c *Config) { c.ConnMaxLifetime = -time.Second },
		"conn_max_idle_time": func(c *Config) { c.ConnMaxIdleTime = 0 },
		"busy_timeout":       func(c *Config) { c.BusyTimeout = 0 },
		"statement_timeout":  func(c *Config) { c.StatementTimeout = 0 },
		"lock_timeout":       func(c *Config) { c.LockTimeout = 0 },
		"synchronous":        func(c *Config) { c.Synchronous = "off; DROP TABLE x" },
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			change(&cfg)
			var fault *config.KeyError
			require.ErrorAs(t, cfg.Validate(), &fault)
			require.Equal(t, key, fault.Key)
		})
	}
}

// Whatever a file is called, it is the one that is opened.
func TestAnyFileNameCanBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Z0-9 ?#%&=+:;@\[\]äλ~'"-]{1,20}`).Draw(t, "name") + ".db"
		file := filepath.Join(dir, name)
		d, err := Open(withFile(file))
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		require.NoError(t, d.Connect(t.Context()))
		require.FileExists(t, file)
		require.NoError(t, os.Remove(file))
	})
}
