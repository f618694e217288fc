package module

import (
	"fmt"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/runner"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

// The group names are spelled in this file and nowhere else.
type (
	sectionOut struct {
		fx.Out
		Value config.Section `group:"sections"`
	}
	reloadableOut struct {
		fx.Out
		Value config.Reloadable `group:"reloadables"`
	}
	apiOut struct {
		fx.Out
		Value API `group:"apis"`
	}
	siteOut struct {
		fx.Out
		Value Site `group:"sites"`
	}
	migrationsOut struct {
		fx.Out
		Value MigrationSet `group:"migrations"`
	}
	checkOut struct {
		fx.Out
		Value health.Check `group:"checks"`
	}
	resolverOut struct {
		fx.Out
		Value tenant.Resolver `group:"resolvers"`
	}
	seederOut struct {
		fx.Out
		Value Seeder `group:"seeders"`
	}
	eraserOut struct {
		fx.Out
		Value tenant.Eraser `group:"erasers"`
	}
	memberEraserOut struct {
		fx.Out
		Value tenant.MemberEraser `group:"member_erasers"`
	}
	settingsOut struct {
		fx.Out
		Value []settings.Definition `group:"settings,flatten"`
	}
	eventsOut struct {
		fx.Out
		Value event.Declaration `group:"events"`
	}
	subscriberOut struct {
		fx.Out
		Value event.Subscriber `group:"subscribers"`
	}
	workerOut struct {
		fx.Out
		Value job.Worker `group:"workers"`
	}
	schedulerOut struct {
		fx.Out
		Value job.Scheduler `group:"schedulers"`
	}
	templatesOut struct {
		fx.Out
		Value notify.TemplateSet `group:"templates"`
	}
	channelOut struct {
		fx.Out
		Value notify.Channel `group:"channels"`
	}
	errorSinkOut struct {
		fx.Out
		Value errorbus.Sink `group:"error_sinks"`
	}
	housekeeperOut struct {
		fx.Out
		Value Housekeeper `group:"housekeepers"`
	}
	runnerOut struct {
		fx.Out
		Value runner.Declared `group:"runners"`
	}
	middlewareOut struct {
		fx.Out
		Value web.Placed `group:"middleware"`
	}
)

// What platform constructors ask for. The order within a group is random: sort by name.
type (
	// Sections are the settings that packages declare.
	Sections struct {
		fx.In
		All []config.Section `group:"sections"`
	}
	// Reloadables are the sections that may change while the process runs.
	Reloadables struct {
		fx.In
		All []config.Reloadable `group:"reloadables"`
	}
	// APIs are the contracts to serve.
	APIs struct {
		fx.In
		All []API `group:"apis"`
	}
	// Sites are the front ends to serve.
	Sites struct {
		fx.In
		All []Site `group:"sites"`
	}
	// MigrationSets are the tables of the core packages.
	MigrationSets struct {
		fx.In
		All []MigrationSet `group:"migrations"`
	}
	// Checks are the health checks.
	Checks struct {
		fx.In
		All []health.Check `group:"checks"`
	}
	// Resolvers find the tenant of a request.
	Resolvers struct {
		fx.In
		All []tenant.Resolver `group:"resolvers"`
	}
	// Seeders run before the first request.
	Seeders struct {
		fx.In
		All []Seeder `group:"seeders"`
	}
	// Erasers remove what is left of deleted tenants.
	Erasers struct {
		fx.In
		All []tenant.Eraser `group:"erasers"`
	}
	// MemberErasers remove what is left of members who are gone.
	MemberErasers struct {
		fx.In
		All []tenant.MemberEraser `group:"member_erasers"`
	}
	// SettingDefinitions are what tenants and users may choose.
	SettingDefinitions struct {
		fx.In
		All []settings.Definition `group:"settings"`
	}
	// EventDeclarations are the topics that exist.
	EventDeclarations struct {
		fx.In
		All []event.Declaration `group:"events"`
	}
	// EventSubscribers react to events.
	EventSubscribers struct {
		fx.In
		All []event.Subscriber `group:"subscribers"`
	}
	// JobWorkers do jobs.
	JobWorkers struct {
		fx.In
		All []job.Worker `group:"workers"`
	}
	// JobSchedulers ask for jobs at times.
	JobSchedulers struct {
		fx.In
		All []job.Scheduler `group:"schedulers"`
	}
	// TemplateSets are what the modules say to people.
	TemplateSets struct {
		fx.In
		All []notify.TemplateSet `group:"templates"`
	}
	// Channels deliver notifications.
	Channels struct {
		fx.In
		All []notify.Channel `group:"channels"`
	}
	// ErrorSinks carry what nobody expected out of the process.
	ErrorSinks struct {
		fx.In
		All []errorbus.Sink `group:"error_sinks"`
	}
	// Housekeepers remove what has expired.
	Housekeepers struct {
		fx.In
		All []Housekeeper `group:"housekeepers"`
	}
	// BackgroundRunners work for as long as the process lives.
	BackgroundRunners struct {
		fx.In
		All []runner.Declared `group:"runners"`
	}
	// PlacedMiddleware stands between requests and their handlers.
	PlacedMiddleware struct {
		fx.In
		All []web.Placed `group:"middleware"`
	}
)

// Config declares the section of the configuration named after the module, decodes it over def, validates it and
// provides it as a T.
func Config[T config.Validator](section string, def T) fx.Option {
	return fx.Options(
		fx.Provide(func() sectionOut { return sectionOut{Value: config.Section{Name: section, Defaults: def}} }),
		fx.Provide(func(src config.Provider) (T, error) { return read(src, section, def) }),
	)
}

// LiveConfig is Config for a section of which some fields are tagged reload:"true". Beside the T of the start it provides a
// *config.Live[T], which changes when the configuration is loaded again.
func LiveConfig[T config.Validator](section string, def T) fx.Option {
	return fx.Options(
		fx.Provide(func() sectionOut { return sectionOut{Value: config.Section{Name: section, Defaults: def, Live: true}} }),
		fx.Provide(func(src config.Provider) (T, error) { return read(src, section, def) }),
		fx.Provide(func(now T) *config.Live[T] { return config.NewLive(section, now) }),
		fx.Provide(func(l *config.Live[T]) reloadableOut { return reloadableOut{Value: l} }),
	)
}

func read[T config.Validator](src config.Provider, section string, def T) (T, error) {
	if err := src.Unmarshal(section, &def); err != nil {
		return def, fmt.Errorf("config %s: %w", section, err)
	}
	return def, nil
}

// Routes contributes a contract and its handler; mount is the generated function of the module's internal/api.
func Routes[H any](contract []byte, mount func(H) Mount) fx.Option {
	return fx.Provide(func(h H) apiOut { return apiOut{Value: API{Contract: contract, Mount: mount(h)}} })
}

// Middleware contributes T to what every request passes at a position, or to what operations name in x-middleware.
func Middleware[T web.Middleware](at web.Position) fx.Option {
	return fx.Provide(func(v T) middlewareOut { return middlewareOut{Value: web.Placed{Middleware: v, Position: at}} })
}

// Static contributes a front end, which is served below prefix: / or, for instance, /app. Contracts come first: no path of
// theirs is ever the front end's.
func Static(prefix string, site *web.Site) fx.Option {
	return fx.Provide(func() siteOut { return siteOut{Value: Site{Prefix: prefix, Site: site}} })
}

// HealthChecks contributes T to /ready.
func HealthChecks[T health.Check]() fx.Option {
	return fx.Provide(func(v T) checkOut { return checkOut{Value: v} })
}

// TenantResolvers contributes T to the resolver chain.
func TenantResolvers[T tenant.Resolver]() fx.Option {
	return fx.Provide(func(v T) resolverOut { return resolverOut{Value: v} })
}

// TenantErasers contributes T to what removes the rows of deleted tenants.
func TenantErasers[T tenant.Eraser]() fx.Option {
	return fx.Provide(func(v T) eraserOut { return eraserOut{Value: v} })
}

// ErasesMembers contributes T to what removes the rows of members who leave a tenant or are erased.
func ErasesMembers[T tenant.MemberEraser]() fx.Option {
	return fx.Provide(func(v T) memberEraserOut { return memberEraserOut{Value: v} })
}

// Settings contributes what tenants and users may choose. Each is a key of the configuration too: settings.<key>.
func Settings(declared ...settings.Defined) fx.Option {
	definitions := make([]settings.Definition, len(declared))
	keys := make([]config.Declaration, len(declared))
	for i, d := range declared {
		definitions[i] = d.Definition()
		keys[i] = definitions[i].Declare()
	}
	return fx.Provide(
		func() settingsOut { return settingsOut{Value: definitions} },
		func() sectionOut { return sectionOut{Value: config.Section{Name: "settings", Declared: keys}} },
	)
}

// Events declares the topics that the module announces: see event.Declare.
func Events(declarations ...event.Declaration) fx.Option {
	opts := make([]fx.Option, len(declarations))
	for i, d := range declarations {
		opts[i] = fx.Provide(func() eventsOut { return eventsOut{Value: d} })
	}
	return fx.Options(opts...)
}

// Subscribers contributes T to who reacts to events.
func Subscribers[T event.Subscriber]() fx.Option {
	return fx.Provide(func(v T) subscriberOut { return subscriberOut{Value: v} })
}

// Workers contributes T to who does jobs.
func Workers[T job.Worker]() fx.Option {
	return fx.Provide(func(v T) workerOut { return workerOut{Value: v} })
}

// Schedules contributes T to what asks for jobs at times.
func Schedules[T job.Scheduler]() fx.Option {
	return fx.Provide(func(v T) schedulerOut { return schedulerOut{Value: v} })
}

// Templates contributes what a module says to people: see notify.TemplateSet for what lies in the folders.
func Templates(module string, files fs.FS) fx.Option {
	return fx.Provide(func() templatesOut { return templatesOut{Value: notify.TemplateSet{Module: module, Files: files}} })
}

// DeliversBy contributes T to the channels of notifications. It must not ask for the Notifier.
func DeliversBy[T notify.Channel]() fx.Option {
	return fx.Provide(func(v T) channelOut { return channelOut{Value: v} })
}

// ReportsTo contributes T to where panics and unexpected errors go, beside the log.
func ReportsTo[T errorbus.Sink]() fx.Option {
	return fx.Provide(func(v T) errorSinkOut { return errorSinkOut{Value: v} })
}

// Seeds contributes T to what runs before the first request.
func Seeds[T Seeder]() fx.Option {
	return fx.Provide(func(v T) seederOut { return seederOut{Value: v} })
}

// Housekeeping contributes T to what removes expired rows.
func Housekeeping[T Housekeeper]() fx.Option {
	return fx.Provide(func(v T) housekeeperOut { return housekeeperOut{Value: v} })
}

// Runners contributes T to what works in the background of "work" and "all". Its failure makes the replica unready, or ends
// the process with runner.Fatal.
func Runners[T runner.Runner](failure ...runner.Failure) fx.Option {
	declared := runner.Unready
	for _, f := range failure {
		declared = max(declared, f)
	}
	return fx.Provide(func(v T) runnerOut { return runnerOut{Value: runner.Declared{Runner: v, Failure: declared}} })
}

// Tables contributes a core package's migrations. A feature module returns its own from Migrations instead.
func Tables(set MigrationSet) fx.Option {
	return fx.Provide(func() migrationsOut { return migrationsOut{Value: set} })
}
