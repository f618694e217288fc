package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

// webConfig has a key of every shape.
type webConfig struct {
	// Addr is where to listen,
	// as host:port.
	Addr string `mapstructure:"addr"`
	// Timeout ends a slow request | and its work.
	Timeout time.Duration     `mapstructure:"timeout"`
	MaxBody int64             `mapstructure:"max_body"` // MaxBody is in bytes.
	Ratio   float64           `mapstructure:"ratio"`    // Ratio is between 0 and 1.
	Debug   bool              `mapstructure:"debug"`    // Debug adds detail.
	Small   uint8             `mapstructure:"small"`    // Small is small.
	Hosts   []string          `mapstructure:"hosts"`    // Hosts are served.
	Ports   []int             `mapstructure:"ports"`    // Ports are open.
	Headers map[string]string `mapstructure:"headers"`  // Headers are sent.
	Trusted netip.Addr        `mapstructure:"trusted"`  // Trusted is a proxy.
	// TLS is on when both files are given.
	TLS   tlsConfig `mapstructure:"tls"`
	Limit struct {
		// Rate is per second.
		Rate int `mapstructure:"rate"`
	} `mapstructure:"limit"`
	baseConfig `mapstructure:",squash"`

	Ignored func() `mapstructure:"-"`
	private int
}

type tlsConfig struct {
	// Cert is a file.
	Cert string `mapstructure:"cert"`
	// Key is a file.
	Key string `mapstructure:"key"`
}

type baseConfig struct {
	// Name is shown.
	Name string `mapstructure:"name"`
}

func defaultWeb() webConfig {
	c := webConfig{
		Addr: ":8080", Timeout: 30 * time.Second, MaxBody: 10 << 20, Ratio: 0.5, Hosts: []string{"a", "b"},
		Headers: map[string]string{"X-A": "1"}, Trusted: netip.MustParseAddr("127.0.0.1"), Ignored: func() {}, private: 1,
	}
	c.Limit.Rate = 5
	c.Name = "web"
	return c
}

func (c webConfig) Validate() error {
	var errs []error
	if c.Timeout < 0 {
		errs = append(errs, config.Invalid("timeout", "must not be negative"))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		errs = append(errs, config.Invalid("tls.key", "and tls.cert go together"))
	}
	return errors.Join(errs...)
}

// vaultConfig holds what must not be seen. Its defaults are declared as a pointer.
type vaultConfig struct {
	// Key opens the vault.
	Key config.Secret `mapstructure:"key"`
	// Old are earlier keys.
	Old []config.Secret `mapstructure:"old"`
	// URL is where the vault is.
	URL config.URL `mapstructure:"url"`
}

func (c *vaultConfig) Validate() error {
	if len(c.Key) == 5 {
		return errors.New("the key " + c.Key.Reveal() + " is too short")
	}
	if c.URL == "ftp://u:hunter2@h" {
		return config.Invalid("url", "%s must be https", c.URL.Reveal())
	}
	return nil
}

func webSection() config.Section { return config.Section{Name: "web", Defaults: defaultWeb()} }

func sections() []config.Section {
	return []config.Section{
		{Name: "vault", Defaults: &vaultConfig{URL: "https://vault.example"}},
		webSection(),
	}
}

// emptyFiles are environments without settings.
func emptyFiles() fstest.MapFS {
	return fstest.MapFS{"default.yaml": {}, "development.yaml": {}, "production.yaml": {}, "test.yaml": {}}
}

// place is a folder and the options to load it.
type place struct {
	t    *testing.T
	opts Options
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return &place{t: t, opts: Options{Dir: t.TempDir(), Environ: []string{}, Embedded: emptyFiles()}}
}

func (p *place) path(name string) string { return filepath.Join(p.opts.Dir, filepath.FromSlash(name)) }

func (p *place) write(name, text string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	require.NoError(p.t, os.WriteFile(p.path(name), []byte(text), 0o600))
}

func (p *place) embed(name, text string) {
	p.opts.Embedded.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text)}
}

func (p *place) env(pairs ...string) { p.opts.Environ = append(p.opts.Environ, pairs...) }

func (p *place) load() *Config {
	p.t.Helper()
	c, err := Load(p.opts, sections())
	require.NoError(p.t, err)
	return c
}

func (p *place) value(key string) Value {
	p.t.Helper()
	for _, v := range p.load().Values() {
		if v.Key == key {
			return v
		}
	}
	p.t.Fatalf("no key %s", key)
	return Value{}
}
