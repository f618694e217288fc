package module_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/runner"
	choices "github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// everything is one of each that a module can contribute.
type everything struct{}

func (everything) Name() string                                           { return "everything" }
func (everything) Check(context.Context) (health.Status, error)           { return health.Healthy, nil }
func (everything) Resolve(*http.Request) (id tenant.ID, ok bool, e error) { return id, false, nil }
func (everything) Seed(context.Context) ([]string, error)                 { return nil, nil }
func (everything) EraseMember(context.Context, tenant.ID, uuid.UUID) error {
	return nil
}
func (everything) Tidy(context.Context) (int, error) { return 0, nil }

type settings struct {
	Size int `mapstructure:"size"`
}

func (s settings) Validate() error { return nil }

// given is a configuration that says size = 3, or fails.
type given struct {
	err  error
	size int // instead of 3
}

func (given) Get(string) (any, bool) { return nil, false }

func (g given) Unmarshal(section string, into any) error {
	if s, ok := into.(*settings); ok && section == "shop" {
		s.Size = cmp.Or(g.size, 3)
	}
	return g.err
}

func TestWhatModulesContributeIsCollected(t *testing.T) {
	t.Parallel()
	var cfg settings
	collected := 0
	err := fx.New(fx.NopLogger,
		fx.Provide(func() config.Provider { return given{} }, func() everything { return everything{} }),
		module.Config("shop", settings{Size: 1}),
		module.Routes([]byte("openapi: 3.0.3"), func(everything) module.Mount {
			return func(gin.IRouter, module.Around, func(*gin.Context, error)) {}
		}),
		module.HealthChecks[everything](), module.TenantResolvers[everything](), module.Seeds[everything](), module.Housekeeping[everything](),
		module.Tables(module.MigrationSet{Owner: "shop"}),
		fx.Invoke(func(
			c settings, s module.Sections, a module.APIs, m module.MigrationSets, h module.Checks, r module.Resolvers, e module.Seeders, k module.Housekeepers,
		) {
			cfg = c
			require.Equal(t, []config.Section{{Name: "shop", Defaults: settings{Size: 1}}}, s.All)
			require.Equal(t, "openapi: 3.0.3", string(a.All[0].Contract))
			require.NotNil(t, a.All[0].Mount)
			collected = len(a.All) + len(m.All) + len(h.All) + len(r.All) + len(e.All) + len(k.All)
		}),
	).Err()
	require.NoError(t, err)
	require.Equal(t, 3, cfg.Size, "the defaults are decoded over")
	require.Equal(t, 6, collected)
}

func TestSettingsAreKeysOfTheConfigurationToo(t *testing.T) {
	t.Parallel()
	size := choices.Int("shop.size", 3, "The size.", choices.Between(1, 9))
	collected := false
	err := fx.New(fx.NopLogger,
		fx.Provide(func() everything { return everything{} }),
		module.Settings(size), module.Settings(choices.Bool("blog.open", true, "It is open.")), module.ErasesMembers[everything](),
		fx.Invoke(func(s module.Sections, d module.SettingDefinitions, e module.MemberErasers) {
			collected = true
			require.Len(t, s.All, 2)
			require.Len(t, d.All, 2)
			require.Len(t, e.All, 1)
			for i, section := range s.All {
				require.Equal(t, "settings", section.Name)
				require.Len(t, section.Declared, 1)
				if key := section.Declared[0]; key.Key == "shop.size" {
					require.Equal(t, "The size.", key.Doc)
					require.NoError(t, key.Check(9))
					require.EqualError(t, key.Check(10), "must be at most 9")
					continue
				}
				require.Equal(t, "blog.open", s.All[i].Declared[0].Key)
			}
		}),
	).Err()
	require.NoError(t, err)
	require.True(t, collected)
}

// pump is a runner with nothing to do.
type pump struct{ runner.Plain }

func (pump) Name() string              { return "shop.pump" }
func (pump) Run(context.Context) error { return nil }

func TestARunnerDeclaresWhatItsFailureMeans(t *testing.T) {
	t.Parallel()
	for want, contributed := range map[runner.Failure]fx.Option{
		runner.Unready: module.Runners[pump](),
		runner.Fatal:   module.Runners[pump](runner.Fatal),
	} {
		var all []runner.Declared
		require.NoError(t, fx.New(fx.NopLogger, fx.Provide(func() pump { return pump{} }), contributed,
			fx.Invoke(func(r module.BackgroundRunners) { all = r.All })).Err())
		require.Equal(t, []runner.Declared{{Runner: pump{}, Failure: want}}, all)
	}
}

func TestASectionThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	err := fx.New(fx.NopLogger,
		fx.Provide(func() config.Provider { return given{err: mine} }),
		module.Config("shop", settings{}),
		fx.Invoke(func(settings) {}),
	).Err()
	require.ErrorIs(t, err, mine)
	require.ErrorContains(t, err, "config shop: ")
}

func TestALiveSectionChangesWithTheNextConfiguration(t *testing.T) {
	t.Parallel()
	var live *config.Live[settings]
	var told []int
	err := fx.New(fx.NopLogger,
		fx.Provide(func() config.Provider { return given{} }),
		module.LiveConfig("shop", settings{Size: 1}),
		fx.Invoke(func(start settings, l *config.Live[settings], s module.Sections, r module.Reloadables) {
			require.Equal(t, []config.Section{{Name: "shop", Defaults: settings{Size: 1}, Live: true}}, s.All)
			require.Equal(t, 3, start.Size)
			require.Equal(t, start, l.Get())
			l.Follow(func(now settings) { told = append(told, now.Size) })
			live = l
			require.Len(t, r.All, 1)
			_, err := r.All[0].Prepare(given{err: errors.New("mine")})
			require.EqualError(t, err, "config shop: mine")
			apply, err := r.All[0].Prepare(given{size: 9})
			require.NoError(t, err)
			require.Equal(t, 3, l.Get().Size, "nothing changes before it is applied")
			apply()
			apply()
		}),
	).Err()
	require.NoError(t, err)
	require.Equal(t, 9, live.Get().Size)
	require.Equal(t, []int{9}, told, "once for one change")
}

func TestAFolderThatIsNotEmbeddedPanics(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"migrations/sqlite/0001_a.sql": {}}
	_, err := module.Sub(files, "migrations").Open("sqlite/0001_a.sql")
	require.NoError(t, err)
	require.Panics(t, func() { module.Sub(files, "../x") })
}
