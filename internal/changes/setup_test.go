package changes_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// replica is one process on the database in a file.
type replica struct {
	*changes.Feed
	db    *ent.Client
	run   *database.Driver
	reads *breakable
	heard *record
}

// breakable answers queries with an error while it is broken.
type breakable struct {
	dialect.Driver
	broken atomic.Bool
}

func (b *breakable) Query(ctx context.Context, query string, args, v any) error {
	if b.broken.Load() {
		return errors.New("the database is away")
	}
	return b.Driver.Query(ctx, query, args, v)
}

// record is what a handler has heard.
type record struct {
	mu   sync.Mutex
	keys []string
}

func (r *record) add(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, key)
}

// take returns what was heard since the last call.
func (r *record) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := r.keys
	r.keys = nil
	return keys
}

func newFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "test.db")
}

// newReplica opens and migrates file, and subscribes to the topic "color".
func newReplica(t *testing.T, file string, cfg changes.Config, log *zap.Logger) *replica {
	t.Helper()
	options := database.DefaultConfig()
	options.URL, options.Synchronous = config.URL("sqlite://"+file), "normal"
	d, err := database.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	_, err = database.NewMigrator(d, module.MigrationSet{Owner: "changes", Files: os.DirFS("migrations")}).Up(t.Context())
	require.NoError(t, err)
	b := &breakable{Driver: d}
	db := ent.NewClient(ent.Driver(b))
	r := &replica{Feed: changes.New(cfg, db, log), db: db, run: d, reads: b, heard: &record{}}
	r.Subscribe("color", r.heard.add)
	return r
}

// manual is a replica that polls when the test says so.
func manual(t *testing.T, file string) *replica {
	t.Helper()
	cfg := changes.DefaultConfig()
	cfg.PollInterval, cfg.StaleAfter = 1<<60, 1<<60
	r := newReplica(t, file, cfg, zap.NewNop())
	require.NoError(t, r.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, r.Stop(context.Background())) })
	return r
}

// insert commits a row with an id of the test's choice.
func (r *replica) insert(t require.TestingT, id int64, key string) {
	err := r.db.Change.Create().SetID(id).SetTopic("color").SetKey(key).Exec(context.Background())
	require.NoError(t, err)
}
