// Package testapp boots the real platform for a test: the same graph as in production, over a database of its own.
package testapp

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
)

// The operator's administrator of every test platform.
const (
	AdminEmail    = "admin@example.com"
	AdminPassword = "correct horse battery staple"
)

// App is a running platform.
type App struct {
	Server   *httpserver.Server
	Database *database.Driver
	Migrator *database.Migrator
	Catalog  *catalog.Catalog
	Grants   authz.Grants
	Log      *observer.ObservedLogs // what it logged, from debug on
	URL      string                 // its listener, for tests that need a socket

	mailDir    string
	issued     secrets
	read       sync.Map // the names of the mails that Mail has returned
	operations []httpserver.Route
	bundle     *contract.Bundled
	database   string
}

// Options change the platform under test.
type Options struct {
	Set      []string    // settings, as in "http.max_body_bytes=1000"
	Database string      // a database URL to use instead of a fresh one
	Extra    []fx.Option // more of the graph
	Log      *zap.Logger // where it logs to; what is logged can be observed when nil
}

// patience is for a machine that is busy with other tests.
const patience = 2 * time.Minute

// New starts modules over a fresh database and stops them when the test ends. The engine is SQLite, or Postgres when
// PLATFORM_TEST_DATABASE=postgres.
func New(t testing.TB, modules []module.IModule, options ...Options) *App {
	t.Helper()
	a := &App{}
	var o Options
	for _, more := range options {
		o.Set, o.Extra, o.Database, o.Log = append(o.Set, more.Set...), append(o.Extra, more.Extra...), more.Database, more.Log
	}
	if a.database = o.Database; a.database == "" {
		a.database = FreshDatabase(t, modules)
	}
	loaded := load(t, modules, a.database, o.Set...)
	core, logs := observer.New(zap.DebugLevel)
	a.Log, a.Catalog = logs, loaded.Catalog
	dir, _ := loaded.Config.Get("notify.dir")
	a.mailDir = fmt.Sprint(dir)
	if o.Log == nil {
		o.Log = zap.New(core)
	}
	graph := fxtest.New(t,
		app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(app.All), fx.NopLogger,
		fx.Replace(o.Log), fx.Options(o.Extra...), fx.StartTimeout(patience), fx.StopTimeout(patience),
		fx.Populate(&a.Server, &a.Database, &a.Migrator, &a.Grants),
	)
	t.Cleanup(func() { a.issued.unlogged(t, a.Log) }) // when it has stopped
	graph.RequireStart()
	t.Cleanup(graph.RequireStop)
	a.URL = a.Server.URL()
	a.operations = a.Server.Routes()
	a.bundle = a.readBundle(t)
	return a
}

// DatabaseURL names the database, so that a second platform can share it.
func (a *App) DatabaseURL() string { return a.database }

func load(t testing.TB, modules []module.IModule, url string, set ...string) *app.Loaded {
	t.Helper()
	loaded, err := app.Load(config.Options{
		Environment: "test",
		Dir:         t.TempDir(),
		Environ:     []string{},
		Set: append([]string{
			"database.url=" + url,
			"notify.dir=" + mailFolder(t, url),
			"security.key_file=" + filepath.Join(keyFolder(t), "encryption.key"),
			"bootstrap.admin_email=" + AdminEmail,
			"bootstrap.admin_password=" + AdminPassword,
		}, set...),
	}, modules...)
	require.NoError(t, err)
	return loaded
}

// ServeHTTP lets the app stand where a handler is expected.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Server.ServeHTTP(w, r) }
