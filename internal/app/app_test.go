package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
)

var roots = map[string]fx.Option{"serve": app.Serve, "work": app.Work, "all": app.All, "migrate": app.Migrate}

func load(t *testing.T, set ...string) *app.Loaded {
	t.Helper()
	dir := t.TempDir()
	loaded, err := app.Load(config.Options{
		Environment: "test", Dir: dir, Environ: []string{},
		Set: append([]string{
			"database.url=sqlite://" + dir + "/platform.db", "security.key_file=" + dir + "/key",
			"bootstrap.admin_email=admin@example.com", "bootstrap.admin_password=correct horse battery",
		}, set...),
	}, modules.All()...)
	require.NoError(t, err)
	return loaded
}

func TestEveryRootHasWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, root := range roots {
		for _, set := range []string{"modules.disabled=[]", "modules.disabled=blog"} {
			loaded := load(t, set)
			require.NoError(t, fx.ValidateApp(app.Core(loaded.Catalog), loaded.Boundary(), root, fx.NopLogger), "%s with %s", name, set)
		}
	}
}

func TestARootThatLacksSomethingIsFound(t *testing.T) {
	t.Parallel()
	for name, root := range roots {
		require.Error(t, fx.ValidateApp(app.Core(load(t).Catalog), root, fx.NopLogger), "%s without its configuration", name)
	}
}

// ran lists the constructors that building a root has called.
type ran []string

func (r *ran) LogEvent(event fxevent.Event) {
	if e, ok := event.(*fxevent.Run); ok && e.Kind == "provide" {
		*r = append(*r, e.Name)
	}
}

func (r ran) of(pkg string) bool {
	return slices.ContainsFunc(r, func(name string) bool { return strings.Contains(name, "platform/"+pkg+".") })
}

func TestARootBuildsOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		root           fx.Option
		built, skipped []string
	}{
		"serve tidies nothing": {app.Serve, []string{"internal/httpserver", "internal/auth", "modules/blog"}, []string{"internal/housekeeping"}},
		"work opens no listener": {
			app.Work,
			[]string{"internal/housekeeping", "internal/infra/database"},
			[]string{"internal/httpserver", "internal/health", "internal/management", "internal/debug"},
		},
		"all does both": {app.All, []string{"internal/httpserver", "internal/housekeeping"}, nil},
		"migrate has the database and no more": {
			app.Migrate,
			[]string{"internal/infra/database"},
			[]string{"internal/httpserver", "internal/housekeeping", "internal/auth", "internal/seed", "modules/blog", "modules/identity"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loaded, calls := load(t), &ran{}
			a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(tt.root), fx.WithLogger(func() fxevent.Logger { return calls }))
			require.NoError(t, a.Err())
			require.NoError(t, a.Start(t.Context()))
			require.NoError(t, a.Stop(t.Context()))
			for _, pkg := range tt.built {
				require.True(t, calls.of(pkg), "%s was not built: %v", pkg, *calls)
			}
			for _, pkg := range tt.skipped {
				require.False(t, calls.of(pkg), "%s was built: %v", pkg, *calls)
			}
		})
	}
}

func TestTheManagementListenerOpensFirstAndClosesLast(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]fx.Option{"work": app.Work, "all": app.All} {
		loaded, order := load(t, "http.management_addr=127.0.0.1:0"), &hooks{}
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(root), fx.WithLogger(func() fxevent.Logger { return order }))
		require.NoError(t, a.Err())
		require.NoError(t, a.Start(t.Context()))
		require.NoError(t, a.Stop(t.Context()))
		const aside, public, watch, host = "management.(*Server)", "httpserver.(*Server)", "reload.(*Watcher)", "runners.(*Host)"
		require.Equal(t, watch, order.started[len(order.started)-1], name)
		require.Equal(t, watch, order.stopped[0], "%s: nothing is reloaded while it stops", name)
		require.Contains(t, order.started, aside)
		require.Less(t, slices.Index(order.started, aside), slices.Index(order.started, host), "%s: readiness can be asked first", name)
		if name == "work" {
			require.NotContains(t, order.started, public)
			continue
		}
		require.Less(t, slices.Index(order.started, aside), slices.Index(order.started, public))
		require.Greater(t, slices.Index(order.stopped, aside), slices.Index(order.stopped, public))
		require.Less(t, slices.Index(order.started, host), slices.Index(order.started, public))
		require.Greater(t, slices.Index(order.stopped, host), slices.Index(order.stopped, public))
	}
}

func TestRequestsFinishFirstThenJobsThenTheRelayThenConnections(t *testing.T) {
	t.Parallel()
	loaded, order := load(t), &hooks{}
	a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(app.All), fx.WithLogger(func() fxevent.Logger { return order }))
	require.NoError(t, a.Err())
	require.NoError(t, a.Start(t.Context()))
	require.NoError(t, a.Stop(t.Context()))
	want := []string{
		"httpserver.(*Server)", "jobs.(*Runner)", "bus.(*Consumers)", "outbox.(*Relay)", "housekeeping.(*Keeper)", "runners.(*Host)",
		"database.(*Driver)",
	}
	require.Equal(t, want, slices.DeleteFunc(order.stopped, func(part string) bool { return !slices.Contains(want, part) }))
}

// hooks lists the types whose hooks have run.
type hooks struct{ started, stopped []string }

func (h *hooks) LogEvent(event fxevent.Event) {
	of := func(name string) string {
		receiver, _, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ").")
		return receiver + ")"
	}
	switch e := event.(type) {
	case *fxevent.OnStartExecuted:
		h.started = append(h.started, of(e.FunctionName))
	case *fxevent.OnStopExecuted:
		h.stopped = append(h.stopped, of(e.FunctionName))
	}
}

// What the sources declare is what the configuration knows.
func TestEverySectionIsFound(t *testing.T) {
	t.Parallel()
	declaration := regexp.MustCompile(`module\.(?:Live)?Config\("(\w+)"`)
	var declared []string
	for _, folder := range []string{"../../internal", "../../modules"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range declaration.FindAllStringSubmatch(string(text), -1) {
				declared = append(declared, match[1])
			}
			return err
		}))
	}
	sections, err := app.Sections(modules.All()...)
	require.NoError(t, err)
	var found []string
	for _, s := range sections {
		if len(s.Declared) > 0 { // contributed by module.Settings
			continue
		}
		found = append(found, s.Name)
	}
	require.ElementsMatch(t, declared, found)
	require.Subset(t, found, []string{"database", "http", "log", "modules", "blog", "identity", "bootstrap"})
}

func TestADisabledModuleKeepsItsSettings(t *testing.T) {
	t.Parallel()
	loaded := load(t, "modules.disabled=blog", "blog.max_content=10")
	value, known := loaded.Config.Get("blog.max_content")
	require.True(t, known)
	require.Equal(t, 10, value)
	require.False(t, slices.ContainsFunc(loaded.Catalog.Modules(), func(m module.IModule) bool { return m.Name() == "blog" }))
}

func TestWhatCannotBeComposedIsNamed(t *testing.T) {
	t.Parallel()
	options := config.Options{Environment: "test", Dir: t.TempDir(), Environ: []string{}}
	for name, tt := range map[string]struct {
		set     string
		modules []module.IModule
		want    string
	}{
		"a module that is not there":         {"modules.disabled=bolg", modules.All(), "bolg"},
		"a module that cannot be disabled":   {"modules.disabled=identity", modules.All(), "identity"},
		"a module that is there twice":       {"log.level=error", append(modules.All(), modules.All()...), "audit"},
		"a setting of nobody":                {"blog.nothing=1", modules.All(), "blog.nothing"},
		"a value that its section refuses":   {"blog.max_content=0", modules.All(), "blog.max_content"},
		"a module that lacks its dependency": {"log.level=error", modules.All()[1:2], "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options
			o.Set = []string{tt.set}
			_, err := app.Load(o, tt.modules...)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
