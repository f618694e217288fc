package reload_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/telemetry"
	pkgconfig "github.com/yourorg/platform/pkg/config"
)

// shop is a section of which one key may change.
type shop struct {
	// Open is how many may come in.
	Open int `mapstructure:"open" reload:"true"`
	// Size is how many there is room for.
	Size int `mapstructure:"size"`
	// Key is that of the door.
	Key pkgconfig.Secret `mapstructure:"key"`
}

func (s shop) Validate() error {
	if s.Open > s.Size {
		return pkgconfig.Invalid("open", "must be at most size")
	}
	return nil
}

// rig is a reloader of a shop whose configuration is a file in a folder.
type rig struct {
	dir      string
	live     *pkgconfig.Live[shop]
	reloader *reload.Reloader
	metrics  *reload.Metrics
	log      *observer.ObservedLogs
	told     []int
}

func newRig(t *testing.T, file string) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	r.write(t, "open: 3")
	sections := []pkgconfig.Section{{Name: "shop", Defaults: shop{Size: 10}, Live: true}}
	load := func() (*config.Config, error) {
		return config.Load(config.Options{File: filepath.Join(r.dir, file), Environment: "test", Dir: r.dir, Environ: []string{}, Embedded: built}, sections)
	}
	now, err := load()
	require.NoError(t, err)
	var s shop
	require.NoError(t, now.Unmarshal("shop", &s))
	r.live = pkgconfig.NewLive("shop", s)
	r.live.Follow(func(now shop) { r.told = append(r.told, now.Open) })
	core, logs := observer.New(zap.InfoLevel)
	r.metrics, r.log = reload.NewMetrics(), logs
	r.reloader = reload.New(reload.Source{Now: now, Again: load}, r.metrics, zap.New(core), r.live)
	return r
}

// built is what a binary without settings has.
var built = fstest.MapFS{"default.yaml": {}, "test.yaml": {}}

func (r *rig) write(t *testing.T, shop string) {
	t.Helper()
	name := filepath.Join(r.dir, "shop.yaml")
	require.NoError(t, os.WriteFile(name+"~", []byte("shop: {"+shop+"}\n"), 0o600))
	require.NoError(t, os.Rename(name+"~", name))
}

func TestWhatMayChangeDoesAndTheRestWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	r.write(t, "open: 5, size: 20")
	out := r.reloader.Reload(t.Context(), "test")
	require.Equal(t, reload.Outcome{Changes: config.Changes{Applied: []string{"shop.open"}, Waiting: []string{"shop.size"}}}, out)
	require.Equal(t, shop{Open: 5, Size: 10}, r.live.Get())
	size, _ := r.reloader.Config().Get("shop.size")
	require.Equal(t, 10, size, "what is shown is what counts")
	require.Equal(t, []string{"shop.size"}, r.reloader.Waiting())
	require.Equal(t, []string{"shop.size"}, toStrings(r.log.FilterMessage("changed settings need a restart").All()[0].ContextMap()["keys"]))

	r.write(t, "open: 5")
	require.Empty(t, r.reloader.Reload(t.Context(), "test").Changes)
	require.Empty(t, r.reloader.Waiting(), "it was taken back")
	require.Equal(t, []int{5}, r.told, "nobody is told of a reload that changes nothing")
	require.Subset(t, r.shown(t), []string{
		`platform_config_reloads_total{outcome="applied"} 1`, `platform_config_reloads_total{outcome="refused"} 0`,
		`platform_config_reloads_total{outcome="unchanged"} 1`, "platform_config_last_reload_successful 1", "platform_config_restart_keys 0",
	})
}

// shown are the lines of the metrics.
func (r *rig) shown(t *testing.T) []string {
	t.Helper()
	m := telemetry.NewMetrics()
	require.NoError(t, m.Register(r.metrics))
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return strings.Split(w.Body.String(), "\n")
}

func toStrings(list any) []string {
	var all []string
	for _, v := range list.([]any) {
		all = append(all, v.(string))
	}
	return all
}

func TestAReloadThatIsUnfitChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"a value that its section refuses":   {"open: 11", "shop.open must be at most size"},
		"a value of the wrong type":          {"open: many", "shop.open must be an integer"},
		"a key of nobody":                    {"open: 5, oepn: 5", "shop.oepn is not a known key"},
		"no YAML":                            {"open: [", "shop.yaml"},
		"fit by itself, not with what stays": {"open: 15, size: 20", "shop.open must be at most size"},
		"a secret beside what is wrong":      {"open: 11, key: hunter2hunter2", "shop.open must be at most size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "shop.yaml")
			before := r.reloader.Config()
			r.write(t, tt.file)
			require.ErrorContains(t, r.reloader.Reload(t.Context(), "test").Refused, tt.want)
			require.Equal(t, shop{Open: 3, Size: 10}, r.live.Get())
			require.Same(t, before, r.reloader.Config())
			require.Empty(t, r.told)
			said := r.log.FilterMessage("the configuration cannot be reloaded, the one before stays").All()
			require.Len(t, said, 1)
			require.Equal(t, zap.ErrorLevel, said[0].Level)
			require.Contains(t, said[0].ContextMap()["error"], tt.want)
			require.NotContains(t, said[0].ContextMap()["error"], "hunter2")
			require.Subset(t, r.shown(t), []string{`platform_config_reloads_total{outcome="refused"} 1`, "platform_config_last_reload_successful 0"})

			r.write(t, "open: 4")
			require.NoError(t, r.reloader.Reload(t.Context(), "test").Refused)
			require.Equal(t, 4, r.live.Get().Open)
		})
	}
}

func TestNothingIsReloadedAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	r.reloader.Close()
	r.write(t, "open: 5")
	require.ErrorIs(t, r.reloader.Reload(t.Context(), "test").Refused, reload.ErrStopping)
	require.Equal(t, 3, r.live.Get().Open)
}
