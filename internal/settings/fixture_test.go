package settings

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/settings/ent"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// feed is a change feed of one replica.
type feed struct {
	mu    sync.Mutex
	fn    func(string)
	stale bool
}

func (f *feed) Subscribe(_ string, fn func(string)) { f.fn = fn }

func (f *feed) Fresh() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.stale
}

func (f *feed) set(stale bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = stale
}

func (f *feed) Announce(ctx context.Context, _, key string) error {
	tx.AfterCommit(ctx, func(context.Context) { f.fn(key) })
	return nil
}

// environment is a configuration.
type environment map[string]any

func (e environment) Get(key string) (any, bool) { v, ok := e[key]; return v, ok }
func (e environment) Given(key string) bool      { return e[key] == "z" }

// everything is an authorizer that lets everybody do everything.
type everything struct{}

func (everything) Authorize(context.Context, perm.Permission) error { return nil }
func (everything) AuthorizeResource(context.Context, perm.Permission, authz.Attributes) error {
	return errors.New("not needed")
}

// shop is a catalogue of one module.
type shop struct{}

func (shop) Manifests() []module.Manifest   { return []module.Manifest{{Name: "shop"}} }
func (shop) Permissions() []perm.Definition { return []perm.Definition{{Name: "shop.price.change"}} }

// store is a database with the tables of the settings. The tests of modules/settings run on both engines.
func store(t *testing.T) *database.Driver {
	t.Helper()
	cfg := database.DefaultConfig()
	cfg.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "test.db"))
	cfg.Synchronous = "normal"
	db, err := database.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Connect(t.Context()))
	_, err = database.NewMigrator(db, module.MigrationSet{Owner: "settings", Files: module.Sub(migrations, "migrations")}).Up(t.Context())
	require.NoError(t, err)
	return db
}

func newRegistry(t *testing.T, d *database.Driver, f *feed, given environment, declared ...settings.Defined) *Registry {
	t.Helper()
	var all []settings.Definition
	env := environment{}
	for _, one := range declared {
		def := one.Definition()
		all = append(all, def)
		env["settings."+def.Key] = def.Default
	}
	for key, value := range given {
		env[key] = value
	}
	r, err := New(Parts{
		Client: ent.NewClient(ent.Driver(dialect.Driver(d))), Run: d, Feed: f, Access: everything{}, Environment: env, Log: zap.NewNop(),
	}, shop{}, all)
	require.NoError(t, err)
	return r
}

// as is a context in which user calls in t.
func as(ctx context.Context, id tenant.ID, user uuid.UUID) context.Context {
	return tenant.NewContext(auth.NewContext(ctx, &auth.Caller{UserID: user, TenantID: id}), id)
}
