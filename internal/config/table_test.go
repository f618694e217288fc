package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestTableExplainsEveryKeyWithTheCommentOfItsField(t *testing.T) {
	t.Parallel()
	got, err := Table("../..", sections())
	require.NoError(t, err)
	require.Equal(t, `| Key | Environment variable | Type | Default | Meaning |
|---|---|---|---|---|
| `+"`environment` | `PLATFORM_ENVIRONMENT` | text | `development`"+` | The environment, which chooses the embedded file: development, production or test. Only PLATFORM_ENVIRONMENT and --environment set it. |
| `+"`vault.key` | `PLATFORM_VAULT_KEY` | secret | "+` | Key opens the vault. |
| `+"`vault.old` | `PLATFORM_VAULT_OLD` | list of secret | `[]`"+` | Old are earlier keys. |
| `+"`vault.url` | `PLATFORM_VAULT_URL` | URL | `https://vault.example`"+` | URL is where the vault is. |
| `+"`web.addr` | `PLATFORM_WEB_ADDR` | text | `:8080`"+` | Addr is where to listen, as host:port. |
| `+"`web.debug` | `PLATFORM_WEB_DEBUG` | boolean | `false`"+` | Debug adds detail. |
| `+"`web.headers` | `PLATFORM_WEB_HEADERS` | map of text | `{X-A=1}`"+` | Headers are sent. |
| `+"`web.hosts` | `PLATFORM_WEB_HOSTS` | list of text | `[a, b]`"+` | Hosts are served. |
| `+"`web.limit.rate` | `PLATFORM_WEB_LIMIT_RATE` | integer | `5`"+` | Rate is per second. |
| `+"`web.max_body` | `PLATFORM_WEB_MAX_BODY` | integer | `10485760`"+` | MaxBody is in bytes. |
| `+"`web.name` | `PLATFORM_WEB_NAME` | text | `web`"+` | Name is shown. |
| `+"`web.ports` | `PLATFORM_WEB_PORTS` | list of integer | `[]`"+` | Ports are open. |
| `+"`web.ratio` | `PLATFORM_WEB_RATIO` | number | `0.5`"+` | Ratio is between 0 and 1. |
| `+"`web.small` | `PLATFORM_WEB_SMALL` | integer | `0`"+` | Small is small. |
| `+"`web.timeout` | `PLATFORM_WEB_TIMEOUT` | duration | `30s`"+` | Timeout ends a slow request \| and its work. |
| `+"`web.tls.cert` | `PLATFORM_WEB_TLS_CERT` | text | "+` | Cert is a file. |
| `+"`web.tls.key` | `PLATFORM_WEB_TLS_KEY` | text | "+` | Key is a file. |
| `+"`web.trusted` | `PLATFORM_WEB_TRUSTED` | text | `127.0.0.1`"+` | Trusted is a proxy. |
`, got)
}

// pool has a key that may change.
type pool struct {
	// Size is how many.
	Size int `mapstructure:"size" reload:"true"`
	// Name is what it is called.
	Name string `mapstructure:"name"`
}

func (pool) Validate() error { return nil }

type oddTag struct {
	A int `mapstructure:"a" reload:"yes"`
}

func (oddTag) Validate() error { return nil }

func TestWhatMayChangeIsMarkedAndIsSomebodysToKeep(t *testing.T) {
	t.Parallel()
	got, err := Table("../..", []config.Section{{Name: "pool", Defaults: pool{}, Live: true}})
	require.NoError(t, err)
	require.Contains(t, got, "| Size is how many. *Reloaded.* |")
	require.Contains(t, got, "| Name is what it is called. |")
	_, err = Keys([]config.Section{{Name: "pool", Defaults: pool{}}})
	require.ErrorContains(t, err, `section pool: fields with reload:"true" need module.LiveConfig`)
	_, err = Keys([]config.Section{{Name: "bare", Defaults: bare{}, Live: true}})
	require.ErrorContains(t, err, `section bare: module.LiveConfig needs fields with reload:"true"`)
	_, err = Keys([]config.Section{{Name: "odd", Defaults: oddTag{}}})
	require.ErrorContains(t, err, `odd.a: the tag reload can only be "true"`)
}

type bare struct {
	A int `mapstructure:"a"`
}

func (bare) Validate() error { return nil }

func TestTableNamesAFieldWithoutAComment(t *testing.T) {
	t.Parallel()
	_, err := Table("../..", []config.Section{{Name: "bare", Defaults: bare{}}})
	require.EqualError(t, err, "bare.a: config.bare.A has no comment")

	root := t.TempDir()
	_, err = Table(root, sections())
	require.ErrorContains(t, err, "read go.mod")
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/other\n"), 0o600))
	_, err = Table(root, []config.Section{{Name: "bare", Defaults: bare{}}})
	require.EqualError(t, err, "bare.a: config.bare.A is declared outside example.com/other")
}

func TestKeysDescribeSecretsWithoutShowingThem(t *testing.T) {
	t.Parallel()
	keys, err := Keys([]config.Section{{Name: "vault", Defaults: &vaultConfig{Key: "hunter2", URL: "https://u:hunter2@h"}}})
	require.NoError(t, err)
	require.Equal(t, []Key{
		{Key: "environment", Type: "text", Default: "development", Env: "PLATFORM_ENVIRONMENT"},
		{Key: "vault.key", Type: "secret", Default: "********", Env: "PLATFORM_VAULT_KEY", Secret: true},
		{Key: "vault.old", Type: "list of secret", Default: "[]", Env: "PLATFORM_VAULT_OLD", Secret: true},
		{Key: "vault.url", Type: "URL", Default: "https://u:xxxxx@h", Env: "PLATFORM_VAULT_URL"},
	}, keys)
}

// The shapes that a section must not have.
type (
	untagged struct{ A int }
	pointer  struct {
		A *int `mapstructure:"a"`
	}
	upper struct {
		A int `mapstructure:"A"`
	}
	ambiguous struct {
		AB int `mapstructure:"a_b"`
		A  struct {
			B int `mapstructure:"b"`
		} `mapstructure:"a"`
	}
	fileToo struct {
		Cert     string `mapstructure:"cert"`
		CertFile string `mapstructure:"cert_file"`
	}
	scalar int
)

func (untagged) Validate() error  { return nil }
func (pointer) Validate() error   { return nil }
func (upper) Validate() error     { return nil }
func (ambiguous) Validate() error { return nil }
func (fileToo) Validate() error   { return nil }
func (scalar) Validate() error    { return nil }

func TestSectionsThatCannotBeConfiguredAreRejected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given []config.Section
		want  string
	}{
		{"a field without a tag", []config.Section{{Name: "s", Defaults: untagged{}}}, "section s: the field A needs a mapstructure tag in lower case"},
		{"a tag in upper case", []config.Section{{Name: "s", Defaults: upper{}}}, "section s: the field A needs a mapstructure tag in lower case"},
		{"a pointer", []config.Section{{Name: "s", Defaults: pointer{}}}, "s.a: a setting cannot be a *int"},
		{"no struct", []config.Section{{Name: "s", Defaults: scalar(1)}}, "section s: the defaults must be a struct"},
		{"no defaults", []config.Section{{Name: "s"}}, "section s: the defaults must be a struct"},
		{"nil defaults", []config.Section{{Name: "s", Defaults: (*vaultConfig)(nil)}}, "section s: the defaults must be a struct"},
		{"a bad name", []config.Section{{Name: "S-1", Defaults: bare{}}}, `section "S-1": the name must be lower case letters, digits and underscores`},
		{"a section twice", []config.Section{{Name: "s", Defaults: bare{}}, {Name: "s", Defaults: bare{}}}, "section s is declared twice"},
		{"a section called environment", []config.Section{{Name: "environment", Defaults: bare{}}}, "environment is both a setting and a section"},
		{"a section called test", []config.Section{{Name: "test", Defaults: bare{}}}, "test.a: PLATFORM_TEST_* is reserved for the tests"},
		{"two keys with one variable", []config.Section{{Name: "s", Defaults: ambiguous{}}}, "s.a.b and s.a_b would both be set by PLATFORM_S_A_B"},
		{"a key that looks like another's file", []config.Section{{Name: "s", Defaults: fileToo{}}}, "s.cert and s.cert_file would both be set by PLATFORM_S_CERT_FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(Options{Dir: t.TempDir(), Environ: []string{}, Embedded: emptyFiles()}, c.given)
			require.EqualError(t, err, "config sections: "+c.want)
		})
	}
}

func TestEditsCountsTypingMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"addr", "addr", 0}, {"adr", "addr", 1}, {"adrd", "addr", 1}, {"kitten", "sitting", 3}} {
		require.Equal(t, c.want, edits(c.a, c.b), c.a+" "+c.b)
		require.Equal(t, c.want, edits(c.b, c.a), c.b+" "+c.a)
	}
}
