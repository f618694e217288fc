package app

import (
	"fmt"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/settings"
	"github.com/yourorg/platform/internal/system"
	pkgconfig "github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// Loaded is a checked configuration and the modules that it enables.
type Loaded struct {
	Config  *config.Config
	Catalog *catalog.Catalog

	again func() (*config.Config, error)
}

// Load reads the configuration and decides which modules are enabled.
func Load(opts config.Options, modules ...module.IModule) (*Loaded, error) {
	sections, err := Sections(modules...)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(opts, sections)
	if err != nil {
		return nil, err
	}
	chosen := catalog.DefaultConfig()
	if err := cfg.Unmarshal("modules", &chosen); err != nil {
		return nil, err
	}
	c, err := catalog.New(system.Manifest(), modules, chosen.Disabled)
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	again := func() (*config.Config, error) {
		next, err := Load(opts, modules...)
		if err != nil {
			return nil, err
		}
		return next.Config, nil
	}
	return &Loaded{Config: cfg, Catalog: c, again: again}, nil
}

// Sections collects the settings that every package declares, those of disabled modules too: switching a module off
// does not make its settings unknown. It asks the graph for them and for nothing else, so nothing else is built.
func Sections(modules ...module.IModule) ([]pkgconfig.Section, error) {
	c, err := catalog.New(system.Manifest(), modules, nil)
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	var sections []pkgconfig.Section
	err = fx.New(Core(c), fx.NopLogger, fx.Invoke(func(s module.Sections) { sections = s.All })).Err()
	if err != nil {
		return nil, dig.RootCause(err)
	}
	return sections, nil
}

// Boundary is what the graph takes from outside: the configuration.
func (l *Loaded) Boundary() fx.Option {
	return fx.Provide(
		func() pkgconfig.Provider { return l.Config },
		func() settings.Environment { return l.Config },
		func() reload.Source { return reload.Source{Now: l.Config, Again: l.again} },
		func() pkgconfig.Environment { return pkgconfig.Environment(l.Config.Environment()) },
	)
}

// Process is a root with what every process has beside it. The management listener, where one is configured, comes first:
// it opens before the rest and closes after it. What reloads the configuration comes last: it starts when the rest runs,
// and has stopped before the rest begins to.
func (l *Loaded) Process(root fx.Option) fx.Option {
	watched := fx.Invoke(func(*reload.Watcher) {})
	if !l.Managed() {
		return fx.Options(root, watched)
	}
	return fx.Options(fx.Invoke(func(*management.Server) {}), root, watched)
}

// StopTimeout is how long a process may take to stop, from the signal on, whatever it runs.
func (l *Loaded) StopTimeout() (time.Duration, error) {
	cfg := httpserver.DefaultConfig()
	err := l.Config.Unmarshal("http", &cfg)
	return cfg.ShutdownTimeout, err
}

// Managed tells whether there is a management listener.
func (l *Loaded) Managed() bool {
	addr, _ := l.Config.Get("http.management_addr")
	return addr != ""
}
