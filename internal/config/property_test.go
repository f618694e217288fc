package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/config"
)

// generators draw a value of a key and spell it as the environment does.
var generators = map[string]func(*rapid.T) (any, string){
	"vault.key": func(t *rapid.T) (any, string) {
		s := line(t)
		return config.Secret(s), s
	},
	"web.addr": func(t *rapid.T) (any, string) {
		s := line(t)
		return s, s
	},
	"web.timeout": func(t *rapid.T) (any, string) {
		d := time.Duration(rapid.Int64Min(0).Draw(t, "duration"))
		return d, d.String()
	},
	"web.max_body": func(t *rapid.T) (any, string) {
		n := rapid.Int64().Draw(t, "int64")
		return n, fmt.Sprint(n)
	},
	"web.small": func(t *rapid.T) (any, string) {
		n := rapid.Uint8().Draw(t, "uint8")
		return n, fmt.Sprint(n)
	},
	"web.ratio": func(t *rapid.T) (any, string) {
		f := rapid.Float64().Draw(t, "float64")
		return f, fmt.Sprint(f)
	},
	"web.debug": func(t *rapid.T) (any, string) {
		b := rapid.Bool().Draw(t, "bool")
		return b, fmt.Sprint(b)
	},
	"web.hosts": func(t *rapid.T) (any, string) {
		list := rapid.SliceOf(word).Draw(t, "list")
		if len(list) == 0 {
			return []string{}, "[]"
		}
		return list, strings.Join(list, ", ")
	},
	"web.headers": func(t *rapid.T) (any, string) {
		m := rapid.MapOf(word, word).Draw(t, "map")
		if len(m) == 0 {
			return map[string]string{}, "{}"
		}
		var parts []string
		for k, v := range m {
			parts = append(parts, k+"="+v)
		}
		return m, strings.Join(parts, ",")
	},
	"web.trusted": func(t *rapid.T) (any, string) {
		a := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		return a, a.String()
	},
	"web.limit.rate": func(t *rapid.T) (any, string) {
		n := rapid.Int().Draw(t, "int")
		return n, fmt.Sprint(n)
	},
}

var word = rapid.StringMatching(`[A-Za-z0-9./:_-]{1,12}`)

// line is any text that an environment variable and a file with one value can both hold.
func line(t *rapid.T) string {
	plain := strings.NewReplacer("\x00", "", "\r", "", "\n", "")
	return rapid.Map(rapid.String(), plain.Replace).Filter(func(s string) bool {
		return len(s) != 5 // the vault rejects this length
	}).Draw(t, "text")
}

func TestAnySetOfKeysComesBackFromTheEnvironmentAsItWasGiven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		want, environ := map[string]any{}, []string{}
		for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom(sortedKeys(generators)), rapid.ID[string]).Draw(rt, "keys") {
			value, text := generators[key](rt)
			want[key] = value
			name := "PLATFORM_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
			if rapid.Bool().Draw(rt, "in a file") {
				file := filepath.Join(dir, key)
				require.NoError(rt, os.WriteFile(file, []byte(text+"\n"), 0o600))
				name, text = name+"_FILE", file
			}
			environ = append(environ, name+"="+text)
		}
		cfg, err := Load(Options{Dir: dir, Environ: environ, Embedded: emptyFiles()}, sections())
		require.NoError(rt, err)
		for _, v := range cfg.Values() {
			if given, ok := want[v.Key]; ok {
				require.Equal(rt, given, v.Value)
				require.NotEqual(rt, "default", v.Source)
			} else {
				require.Equal(rt, "default", v.Source)
			}
		}
	})
}

func TestAnyQuotedTextComesBackFromDotenv(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := strings.ReplaceAll(rapid.String().Draw(rt, "text"), "\x00", "")
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(want) + `"`
		vars, faults := parseDotenv("# x\nexport PLATFORM_WEB_ADDR = " + quoted + " # comment\n")
		require.Empty(rt, faults)
		require.Len(rt, vars, 1)
		require.Equal(rt, want, vars[0].value)
	})
}

func FuzzYAMLNeverPanics(f *testing.F) {
	for _, seed := range []string{"", "# only a comment", "web: {addr: x}", "web: &a [*a]", "a: *b", "web: {<<: *a}", "? [a]\n: b", "---\n---\n", "\xef\xbb\xbfweb:", "web: !!binary x", "web: {max_body: !!int x}"} {
		f.Add([]byte(seed))
	}
	t, err := newTable(sections())
	require.NoError(f, err)
	f.Fuzz(func(_ *testing.T, data []byte) {
		r := reader{table: t}
		r.yaml(data, origin{source: "fuzz"})
	})
}

func FuzzDotenvNeverPanicsAndNeverRepeatsALine(f *testing.F) {
	for _, seed := range []string{"", "A", "A=", "=A", "A='", `A="\`, "export A=b #c", "A=#", "A=b #", "\ufeffA=b", "A=\x00", `A="b" #`, "A='b'c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, faults := parseDotenv(text)
		require.LessOrEqual(t, len(vars)+len(faults), strings.Count(text, "\n")+1)
		for _, err := range faults {
			require.NotContains(t, err.Error(), "\n")
		}
	})
}
