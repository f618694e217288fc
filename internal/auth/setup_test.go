package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/auth/ent"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tx"
)

// watched counts queries and answers them with an error while it is broken.
type watched struct {
	dialect.Driver
	queries atomic.Int64
	broken  atomic.Bool
}

func (w *watched) Query(ctx context.Context, query string, args, v any) error {
	w.queries.Add(1)
	if w.broken.Load() {
		return errors.New("the database is away")
	}
	return w.Driver.Query(ctx, query, args, v)
}

func newFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "test.db")
}

// openDatabase opens and migrates file.
func openDatabase(t testing.TB, file string, sets ...module.MigrationSet) *database.Driver {
	t.Helper()
	options := database.DefaultConfig()
	options.URL, options.Synchronous = config.URL("sqlite://"+file), "normal"
	d, err := database.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	sets = append(sets, module.MigrationSet{Owner: "auth", Files: module.Sub(migrations, "migrations")})
	_, err = database.NewMigrator(d, sets...).Up(t.Context())
	require.NoError(t, err)
	return d
}

func newSealer(t testing.TB, b byte) *secret.Sealer {
	t.Helper()
	key := make([]byte, 32)
	key[0] = b
	s, err := secret.New(secret.Config{EncryptionKey: config.Secret(base64.StdEncoding.EncodeToString(key))}, config.Production)
	require.NoError(t, err)
	return s
}

// newKeys returns keys on the database in file, not loaded yet.
func newKeys(t testing.TB, file string) (*Keys, *watched) {
	t.Helper()
	keys, w, _ := newKeysWith(t, file, newLocalFeed())
	return keys, w
}

// newKeysWith also returns what the keys have put on record. The keys hear what feed says.
func newKeysWith(t testing.TB, file string, feed *localFeed) (*Keys, *watched, *trail) {
	t.Helper()
	d := openDatabase(t, file)
	w, tr := &watched{Driver: d}, &trail{}
	return NewKeys(DefaultConfig(), ent.NewClient(ent.Driver(w)), d, newSealer(t, 1), feed, tr, zap.NewNop()), w, tr
}

// start starts keys for the time of the test.
func start(t testing.TB, keys *Keys) {
	t.Helper()
	require.NoError(t, keys.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, keys.Stop(context.Background())) })
}

// trail notes what was put on record.
type trail struct {
	mu      sync.Mutex
	entries []audit.Entry
}

func (l *trail) Record(ctx context.Context, e audit.Entry) error {
	tx.AfterCommit(ctx, func(context.Context) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.entries = append(l.entries, e)
	})
	return nil
}

// knownSessions are all active but the ended ones.
type knownSessions struct {
	mu        sync.Mutex
	ended     map[uuid.UUID]bool
	suspended bool // the tenant of all of them
	factor    bool // the tenant requires one that the sessions lack

	err    error
	during func() // called while a lookup is under way
	asked  int
	seen   map[uuid.UUID]int
}

func (s *knownSessions) Seen(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[uuid.UUID]int{}
	}
	s.seen[id]++
}

func (s *knownSessions) Standing(_ context.Context, id uuid.UUID) (auth.Standing, error) {
	s.mu.Lock()
	s.asked++
	standing, err, during := auth.SessionActive, s.err, s.during
	switch {
	case s.ended[id]:
		standing = auth.SessionEnded
	case s.suspended:
		standing = auth.SessionSuspended
	case s.factor:
		standing = auth.SessionNeedsFactor
	}
	s.mu.Unlock()
	if during != nil {
		during()
	}
	return standing, err
}

func (s *knownSessions) suspend(suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspended = suspended
}

func (s *knownSessions) end(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[id] = true
}

// lookups returns how many there were since the last call.
func (s *knownSessions) lookups() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked
	s.asked = 0
	return n
}

// localFeed reaches the subscribers of one process.
type localFeed struct {
	handlers map[string][]func(string)
	stale    atomic.Bool
}

func newLocalFeed() *localFeed { return &localFeed{handlers: map[string][]func(string){}} }

func (f *localFeed) Announce(ctx context.Context, topic, key string) error {
	tx.AfterCommit(ctx, func(context.Context) { f.hear(topic, key) })
	return nil
}

func (f *localFeed) Subscribe(topic string, fn func(string)) {
	f.handlers[topic] = append(f.handlers[topic], fn)
}

func (f *localFeed) Fresh() bool { return !f.stale.Load() }

func (f *localFeed) hear(topic, key string) {
	for _, fn := range f.handlers[topic] {
		fn(key)
	}
}

// bench is a working Tokens and what it depends on.
type bench struct {
	*Tokens
	sessions *knownSessions
	feed     *localFeed
	trail    *trail
	db       *watched
}

// Close ends what the bench has begun. It may be called twice.
func (b *bench) Close() {
	b.Tokens.Close()
	_ = b.keys.Stop(context.Background())
}

func newBench(t testing.TB, change ...func(*Config)) *bench {
	t.Helper()
	feed := newLocalFeed()
	keys, db, trail := newKeysWith(t, newFile(t), feed)
	for _, c := range change {
		c(&keys.cfg)
	}
	require.NoError(t, keys.Start(t.Context()))
	b := &bench{
		sessions: &knownSessions{ended: map[uuid.UUID]bool{}},
		feed:     feed,
		trail:    trail,
		db:       db,
	}
	var err error
	b.Tokens, err = New(keys.cfg, keys, b.sessions, b.feed, keyless(t, feed))
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func someone() auth.Caller {
	return auth.Caller{
		UserID: uuid.Must(uuid.NewV7()), TenantID: uuid.Must(uuid.NewV7()), SessionID: uuid.Must(uuid.NewV7()),
		Roles: []string{"owner"}, Methods: []string{auth.MethodPassword},
		AuthenticatedAt: time.Now().UTC().Truncate(time.Second),
	}
}

func (b *bench) issue(t testing.TB, c auth.Caller) string {
	t.Helper()
	token, _, err := b.Generate(t.Context(), c)
	require.NoError(t, err)
	return token
}

// forge signs what change makes of a good token, with the platform's own key.
func (b *bench) forge(t testing.TB, change func(header, claims map[string]any)) string {
	t.Helper()
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(b.issue(t, someone()), claims)
	require.NoError(t, err)
	change(token.Header, claims)
	signed, err := token.SignedString(b.keys.current.Load().signer.private)
	require.NoError(t, err)
	return signed
}
