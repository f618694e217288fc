package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/runner"
)

// doomed is a module whose only runner gives up at once.
type doomed struct{ runner.Plain }

func (doomed) Name() string      { return "doomed" }
func (doomed) Migrations() fs.FS { return nil }
func (doomed) Manifest() []byte {
	return []byte("name: doomed\nversion: 1.0.0\ndescription: Gives up.\n")
}
func (doomed) Run(context.Context) error { return errors.New("no use") }

func (doomed) Init() fx.Option {
	return fx.Options(fx.Provide(func() doom { return doom{} }), module.Runners[doom](runner.Fatal))
}

type doom struct{ doomed }

func (doom) Name() string { return "doomed.doom" }

func TestAFatalRunnerEndsTheCommandWithAnError(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]fx.Option{"work": app.Work, "all": app.All} {
		loaded, err := app.Load(config.Options{
			Environment: "test", Dir: t.TempDir(), Environ: []string{},
			Set: []string{
				"database.url=" + testapp.EmptyDatabase(t), "security.key_file=" + t.TempDir() + "/key", "log.level=error",
				"bootstrap.admin_email=" + testapp.AdminEmail, "bootstrap.admin_password=" + testapp.AdminPassword,
				"http.addr=127.0.0.1:0", "http.drain_interval=0s",
			},
		}, append(modules.All(), doomed{})...)
		require.NoError(t, err)
		b := &banner{out: new(bytes.Buffer), environment: "test"}
		err = run(t.Context(), b, limits{time.Minute, time.Minute}, app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(root))
		require.EqualError(t, err, "ended with code 1, see the log", name)
	}
}
