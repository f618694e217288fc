package identity

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// rig is identity over a migrated database, with the platform's other parts replaced by notebooks.
type rig struct {
	*identity

	db      *database.Driver
	client  *ent.Client
	cfg     Config
	grants  *grants
	revoked *revoked
	letters *letters
	rules   auth.SessionRules
	*trail
}

func newRig(t *testing.T, changes ...func(*Config)) *rig {
	t.Helper()
	dbCfg := database.DefaultConfig()
	dbCfg.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "test.db"))
	dbCfg.Synchronous = "normal"
	db, err := database.Open(dbCfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Connect(t.Context()))
	_, err = database.NewMigrator(db, module.MigrationSet{Owner: "identity", Files: Module{}.Migrations()}).Up(t.Context())
	require.NoError(t, err)

	r := &rig{db: db, client: newClient(db), cfg: cheap(), grants: &grants{}, revoked: &revoked{}, rules: auth.DefaultSessionRules(), trail: &trail{}}
	for _, change := range changes {
		change(&r.cfg)
	}
	require.NoError(t, r.cfg.Validate())
	u, te, s := newUsers(r.client), newTenants(r.client), newSessions(r.client, r.rules)
	a := r.newAccounts(t)
	line, l := r.newGuards(t, s)
	r.identity = newIdentity(r.cfg, db, u, te, s, newFounder(u, te, r.grants, unannounced{}), newPasswords(r.cfg),
		issuer{}, r.revoked, r.grants, r.trail, a, line, l, newSecondFactor(r.cfg, newFactors(r.client), newSignIns(r.client), newTestSealer(t, 1), l.key, l))
	return r
}

func (r *rig) bootstrap(cfg BootstrapConfig, env config.Environment) *bootstrap {
	return newBootstrap(cfg, env, r.db, r.tenants, r.founder, r.passwords, r.trail)
}

// cheap keeps the hashes fast.
func cheap() Config {
	cfg := DefaultConfig()
	cfg.Password.MemoryKiB, cfg.Password.Iterations, cfg.Password.Queue = 64, 1, 1000
	return cfg
}

const password = "correct horse battery"

func (r *rig) mustRegister(t *testing.T, email, tenantName string) (User, Tenant) {
	t.Helper()
	u, te, err := r.register(t.Context(), registration{email: email, password: password, name: "Ada", tenantName: tenantName})
	require.NoError(t, err)
	return u, te
}

func (r *rig) mustLogin(t *testing.T, email string) Tokens {
	t.Helper()
	tokens, err := r.login(t.Context(), credentials{email: email, password: password, from: client{userAgent: "test", ip: "192.0.2.1"}})
	require.NoError(t, err)
	return tokens
}

// session returns the id of the session that tokens belong to.
func (r *rig) session(t *testing.T, tokens Tokens) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(tokens.Access)
	require.NoError(t, err)
	return id
}

func (r *rig) forgetMembers(t *testing.T, te Tenant) {
	t.Helper()
	r.client.Membership.Delete().ExecX(tenant.NewContext(t.Context(), te.ID))
}

func (r *rig) active(t *testing.T, session uuid.UUID) bool {
	t.Helper()
	standing, err := r.sessions.Standing(t.Context(), session)
	require.NoError(t, err)
	return standing == auth.SessionActive
}

// issuer puts the session's id in place of a token.
type issuer struct{}

func (issuer) Generate(_ context.Context, c auth.Caller) (string, time.Time, error) {
	return c.SessionID.String(), time.Now().Add(15 * time.Minute), nil
}

func (issuer) Verify(context.Context, string) (*auth.Caller, error) { panic("not needed") }

// revoked notes the sessions whose revocation was committed.
type revoked struct {
	mu  sync.Mutex
	ids []uuid.UUID
}

func (r *revoked) RevokeSession(ctx context.Context, id uuid.UUID) error {
	tx.AfterCommit(ctx, func(context.Context) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ids = append(r.ids, id)
	})
	return nil
}

func (r *revoked) RecheckTenant(context.Context, uuid.UUID) error { return nil }
func (r *revoked) RecheckUser(context.Context, uuid.UUID) error   { return nil }
func (r *revoked) RecheckKey(context.Context, uuid.UUID) error    { return nil }

// unannounced keeps changed slugs to itself.
type unannounced struct{}

func (unannounced) SlugChanged(context.Context, string) error { return nil }

// trail notes the entries that were committed.
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

func (l *trail) last(t *testing.T) audit.Entry {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NotEmpty(t, l.entries)
	return l.entries[len(l.entries)-1]
}

type grant struct {
	tenant tenant.ID
	user   uuid.UUID
	role   string
}

// grants notes the roles that were committed.
type grants struct {
	mu  sync.Mutex
	all []grant
}

func (g *grants) Assign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error {
	tx.AfterCommit(ctx, func(context.Context) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.all = append(g.all, grant{t, user, role})
	})
	return nil
}

func (g *grants) Unassign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error {
	tx.AfterCommit(ctx, func(context.Context) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.all = slices.DeleteFunc(g.all, func(held grant) bool { return held == grant{t, user, role} })
	})
	return nil
}

func (g *grants) Roles(_ context.Context, t tenant.ID, user uuid.UUID) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var roles []string
	for _, a := range g.all {
		if a.tenant == t && a.user == user {
			roles = append(roles, a.role)
		}
	}
	slices.Sort(roles)
	return roles, nil
}

func (g *grants) RolesOf(ctx context.Context, t tenant.ID, users ...uuid.UUID) (map[uuid.UUID][]string, error) {
	all := map[uuid.UUID][]string{}
	for _, user := range users {
		all[user], _ = g.Roles(ctx, t, user)
	}
	return all, nil
}

func (g *grants) Holders(_ context.Context, t tenant.ID, role string) ([]uuid.UUID, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var users []uuid.UUID
	for _, a := range g.all {
		if a.tenant == t && a.role == role {
			users = append(users, a.user)
		}
	}
	return users, nil
}

func (g *grants) Permissions(context.Context, tenant.ID, uuid.UUID) ([]perm.Permission, error) {
	return []perm.Permission{"blog.post.read"}, nil
}
