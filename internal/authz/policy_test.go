package authz

import (
	"bytes"
	"strings"
	"testing"

	"github.com/casbin/casbin/v2/persist"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/authz"
)

// exported is the policy file of some tenants.
func (f fixture) exported(t testing.TB, tenants ...uuid.UUID) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, f.Export(t.Context(), &b, tenants...))
	return b.String()
}

func TestAPolicyIsExportedAndImported(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		here, there, user := uuid.New(), uuid.New(), uuid.New()
		for _, id := range []uuid.UUID{here, there} {
			f.permit(t, id, "Chief editor", "blog.*")
			require.NoError(t, f.Adapter(t.Context()).AddPolicy("p", "p", []string{"Chief editor", id.String(), "audit.*", "days=mon-fri"}))
			require.NoError(t, f.Assign(t.Context(), id, user, "Chief editor"))
			require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))
		}
		all, one := f.exported(t), f.exported(t, here)
		require.Contains(t, all, "p, member, *, blog.post.update, own\n")
		require.Contains(t, one, "p, Chief editor, "+here.String()+", audit.*, days=mon-fri\n")
		require.Contains(t, one, "p, Chief editor, "+here.String()+", blog.*, \n")
		require.NotContains(t, one, there.String())

		oracle, err := newEnforcer(f.vocabulary)
		require.NoError(t, err)
		for l := range strings.Lines(one) {
			require.NoError(t, persist.LoadPolicyLine(strings.TrimSpace(l), oracle.GetModel()), "casbin reads it")
		}
		require.NoError(t, oracle.BuildRoleLinks())
		allowed, err := oracle.Enforce(user.String(), here.String(), "blog.post.read", Resource{})
		require.NoError(t, err)
		require.True(t, allowed)

		f.announced.take()
		done, err := f.Import(t.Context(), strings.NewReader(all), false)
		require.NoError(t, err)
		require.Equal(t, Imported{}, done, "nothing differs")
		require.Empty(t, f.announced.take())

		file := "# Ours.\n\np, intern, " + here.String() + ", blog.post.read\ng, " + user.String() + ", intern, " + here.String() +
			"\ng, " + user.String() + ", owner, " + here.String() + "\n"
		done, err = f.Import(t.Context(), strings.NewReader(file), true, here)
		require.NoError(t, err)
		require.Equal(t, Imported{Added: 2, Removed: 3, Tenants: []uuid.UUID{here}}, done)
		require.Equal(t, all, f.exported(t), "a dry run changes nothing")
		require.Empty(t, f.announced.take())

		again, err := f.Import(t.Context(), strings.NewReader(file), false, here)
		require.NoError(t, err)
		require.Equal(t, done, again)
		for _, key := range f.announced.take() {
			require.Equal(t, "authz.tenant "+here.String(), key)
		}
		roles, err := f.Roles(t.Context(), here, user)
		require.NoError(t, err)
		require.Equal(t, []string{"intern", authz.Owner}, roles)
		kept, err := f.Roles(t.Context(), there, user)
		require.NoError(t, err)
		require.Equal(t, []string{"Chief editor", authz.Owner}, kept, "other tenants are left alone")
	})
}

func TestAnImportReportsEveryFaultAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	here, user := uuid.New(), uuid.New()
	f.permit(t, here, "editor", "blog.*")
	require.NoError(t, f.Assign(t.Context(), here, user, authz.Owner))
	before := f.exported(t)
	owner := "g, " + user.String() + ", owner, " + here.String() + "\n"
	for name, tt := range map[string]struct{ file, want string }{
		"an unknown permission":         {owner + "p, editor, " + here.String() + ", shop.order.read, ", `line 2: no module declares the permission "shop.order.read"`},
		"a wildcard for nothing":        {owner + "p, editor, " + here.String() + ", shop.*, ", "no module declares"},
		"the operator's permission":     {owner + "p, editor, " + here.String() + ", system.health.check, ", "the operator's alone"},
		"the operator's role":           {owner + "g, " + user.String() + ", platform_admin, " + here.String(), "line 2: the operator's role cannot be given"},
		"a condition that does not fit": {owner + "p, editor, " + here.String() + ", blog.post.read, own", "no such attribute"},
		"a condition spelled otherwise": {owner + "p, editor, " + here.String() + ", blog.post.update, own and days=mon", `"days=mon and own"`},
		"a role that is not there":      {owner + "g, " + user.String() + ", ghost, " + here.String(), `no role "ghost"`},
		"another tenant":                {owner + "p, editor, " + uuid.NewString() + ", blog.*", "not to be imported"},
		"a built-in role":               {owner + "p, viewer, *, blog.post.delete, ", "built-in"},
		"a tenant without an owner":     {"p, editor, " + here.String() + ", blog.*", "last owner"},
		"nothing at all":                {"", "last owner"},
		"a line that is no rule":        {owner + "hello", "line 2"},
		"a quote that does not end":     {owner + `p, "editor, x`, "line 2"},
		"two names that differ in case": {owner + "p, Editor, " + here.String() + ", blog.*, ", "case"},
		"two faults":                    {"x\ny\n", "line 2: rule y"},
		"very many faults":              {strings.Repeat("x\n", 100), "and 80 more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Import(t.Context(), strings.NewReader(tt.file), false, here)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, before, f.exported(t))
		})
	}
}

func TestWhatIsExportedCanBeImported(t *testing.T) {
	t.Parallel()
	d := openSQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		definitions, _ := drawCatalog(rt)
		f, id := newFixture(t, d, definitions), uuid.New()
		users := newIDs(2)
		for range rapid.IntRange(0, 20).Draw(rt, "rows") {
			ptype, values := drawRow(rt, []uuid.UUID{id}, users)
			_ = f.Adapter(t.Context()).AddPolicy(ptype, ptype, values) // what cannot be stored is refused
		}
		before := f.exported(t, id)
		_, err := f.Import(t.Context(), strings.NewReader(before), false, id)
		if err == nil {
			require.Equal(t, before, f.exported(t, id))
		}
	})
}

func FuzzReadPolicy(f *testing.F) {
	id, user := uuid.NewString(), uuid.NewString()
	f.Add("p, editor, " + id + ", blog.*, own\ng, " + user + ", editor, " + id + "\n")
	f.Add("# comment\n\np, owner, *, blog.post.delete, \n")
	f.Add("\"p\", \"a\nb\"")
	a, err := New(nil, nil, sample, nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, file string) {
		rules, err := a.readPolicy(strings.NewReader(file), nil)
		if err != nil {
			return
		}
		for r, n := range rules {
			require.Positive(t, n)
			again, err := parseRule(r.ptype, r.values())
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
	})
}
