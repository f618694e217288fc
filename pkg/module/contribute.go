package module

import (
	"fmt"

	"go.uber.org/fx"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/health"
	"github.com/yourorg/platform/pkg/tenant"
)

// The group names are spelled in this file and nowhere else.
type (
	sectionOut struct {
		fx.Out
		Value config.Section `group:"sections"`
	}
	apiOut struct {
		fx.Out
		Value API `group:"apis"`
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
	housekeeperOut struct {
		fx.Out
		Value Housekeeper `group:"housekeepers"`
	}
)

// What platform constructors ask for. The order within a group is random: sort by name.
type (
	// Sections are the settings that packages declare.
	Sections struct {
		fx.In
		All []config.Section `group:"sections"`
	}
	// APIs are the contracts to serve.
	APIs struct {
		fx.In
		All []API `group:"apis"`
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
	// Housekeepers remove what has expired.
	Housekeepers struct {
		fx.In
		All []Housekeeper `group:"housekeepers"`
	}
)

// Config declares the section of the configuration named after the module, decodes it over def, validates it and
// provides it as a T.
func Config[T config.Validator](section string, def T) fx.Option {
	return fx.Options(
		fx.Provide(func() sectionOut { return sectionOut{Value: config.Section{Name: section, Defaults: def}} }),
		fx.Provide(func(src config.Provider) (T, error) {
			cfg := def
			if err := src.Unmarshal(section, &cfg); err != nil {
				return cfg, fmt.Errorf("config %s: %w", section, err)
			}
			return cfg, nil
		}),
	)
}

// Routes contributes a contract and its handler; mount is the generated function of the module's internal/api.
func Routes[H any](contract []byte, mount func(H) Mount) fx.Option {
	return fx.Provide(func(h H) apiOut { return apiOut{Value: API{Contract: contract, Mount: mount(h)}} })
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

// Seeds contributes T to what runs before the first request.
func Seeds[T Seeder]() fx.Option {
	return fx.Provide(func(v T) seederOut { return seederOut{Value: v} })
}

// Housekeeping contributes T to what removes expired rows.
func Housekeeping[T Housekeeper]() fx.Option {
	return fx.Provide(func(v T) housekeeperOut { return housekeeperOut{Value: v} })
}

// Tables contributes a core package's migrations. A feature module returns its own from Migrations instead.
func Tables(set MigrationSet) fx.Option {
	return fx.Provide(func() migrationsOut { return migrationsOut{Value: set} })
}
