package authz

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/casbin/casbin/v2"
	fileadapter "github.com/casbin/casbin/v2/persist/file-adapter"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
)

func TestTheEnforcerEditsTheStoredRules(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id, user := uuid.New(), uuid.New()
		ctx, dom := as(t.Context(), id, user), id.String()
		e, err := f.Enforcer(t.Context())
		require.NoError(t, err)

		added, err := e.AddPolicies([][]string{{"editor", dom, "blog.*", ""}, {"editor", dom, "audit.event.read", ""}})
		require.NoError(t, err)
		require.True(t, added)
		_, err = e.AddGroupingPolicy(user.String(), "editor", dom)
		require.NoError(t, err)
		require.NoError(t, f.Authorize(ctx, "blog.post.delete"))
		require.Contains(t, f.announced.take(), "authz.tenant "+dom)

		_, err = e.UpdatePolicy([]string{"editor", dom, "blog.*", ""}, []string{"editor", dom, "blog.comment.*", ""})
		require.NoError(t, err)
		requireDenied(t, f.Authorize(ctx, "blog.post.delete"))
		require.NoError(t, f.Authorize(ctx, "blog.comment.read"))

		_, err = e.UpdateFilteredPolicies([][]string{{"editor", dom, "blogger.*", ""}}, 0, "editor", dom, "blog.comment.*")
		require.NoError(t, err)
		requireDenied(t, f.Authorize(ctx, "blog.comment.read"))
		require.NoError(t, f.Authorize(ctx, "blogger.post.read"))

		_, err = e.RemovePolicy("editor", dom, "audit.event.read", "")
		require.NoError(t, err)
		requireDenied(t, f.Authorize(ctx, "audit.event.read"))

		_, err = e.RemoveFilteredPolicy(0, "editor")
		require.NoError(t, err)
		requireDenied(t, f.Authorize(ctx, "blogger.post.read"))
		_, err = e.RemoveFilteredGroupingPolicy(2, dom)
		require.NoError(t, err)
		left, err := f.client.Rule.Query().Count(t.Context())
		require.NoError(t, err)
		require.Zero(t, left)
	})
}

func TestRulesAreExportedAndImported(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		ids, users := newIDs(2), newIDs(2)
		f.permit(t, ids[0], "editor", "blog.*", "audit.event.read")
		f.permit(t, ids[1], "editor", "*")
		for i := range ids {
			require.NoError(t, f.Assign(t.Context(), ids[i], users[i], "editor"))
			require.NoError(t, f.Assign(t.Context(), ids[i], users[i], authz.Viewer))
		}
		e, err := f.Enforcer(t.Context())
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "policy.csv")
		require.NoError(t, fileadapter.NewAdapter(file).SavePolicy(e.GetModel()))
		exported := lines(t, file)
		require.Contains(t, exported, "p, owner, *, blog.post.delete, ")
		require.Contains(t, exported, "p, editor, "+ids[0].String()+", blog.*, ")
		before, err := f.client.Rule.Query().IDs(t.Context())
		require.NoError(t, err)
		f.announced.take()

		require.NoError(t, e.SavePolicy(), "nothing to do")
		after, err := f.client.Rule.Query().IDs(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, before, after)
		require.Empty(t, f.announced.take())

		require.NoError(t, f.Unassign(t.Context(), ids[0], users[0], "editor"))
		f.permit(t, ids[0], "intern", "blog.post.read")
		f.announced.take()
		imported, err := newEnforcer(f.vocabulary)
		require.NoError(t, err)
		imported.SetAdapter(fileadapter.NewAdapter(file))
		require.NoError(t, imported.LoadPolicy())
		imported.SetAdapter(f.Adapter(t.Context()))
		require.NoError(t, imported.SavePolicy())
		for _, key := range f.announced.take() {
			require.Equal(t, "authz.tenant "+ids[0].String(), key, "only what differs is announced")
		}
		require.NoError(t, f.Authorize(as(t.Context(), ids[0], users[0]), "audit.event.read"))

		again, err := f.Enforcer(t.Context())
		require.NoError(t, err)
		require.NoError(t, fileadapter.NewAdapter(file).SavePolicy(again.GetModel()))
		require.Equal(t, exported, lines(t, file))
	})
}

func TestAnEnforcerOfSomeTenantsTouchesNoOthers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		here, there, user := uuid.New(), uuid.New(), uuid.New()
		for _, id := range []uuid.UUID{here, there} {
			f.permit(t, id, "editor", "blog.*")
			require.NoError(t, f.Assign(t.Context(), id, user, "editor"))
		}
		e, err := f.Enforcer(t.Context(), here)
		require.NoError(t, err)
		require.True(t, e.IsFiltered())
		for id, want := range map[uuid.UUID]bool{here: true, there: false} {
			got, err := e.Enforce(user.String(), id.String(), "blog.post.read", Resource{})
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		derived, err := e.GetFilteredPolicy(1, "*")
		require.NoError(t, err)
		require.Len(t, derived, len(f.vocabulary.derived()))

		require.ErrorContains(t, e.SavePolicy(), "filtered")
		_, err = e.AddPolicy("intern", there.String(), "blog.*", "")
		require.ErrorContains(t, err, "not loaded")
		_, err = e.RemoveFilteredPolicy(0, "editor")
		require.NoError(t, err)
		requireDenied(t, f.Authorize(as(t.Context(), here, user), "blog.post.read"))
		require.NoError(t, f.Authorize(as(t.Context(), there, user), "blog.post.read"))

		require.ErrorContains(t, f.Adapter(t.Context()).LoadFilteredPolicy(e.GetModel(), "all"), "string")
	})
}

func TestARuleThatCannotCountIsNotStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, user := uuid.New(), uuid.New()
	for name, rule := range map[string][]string{
		"too few values":              {"p", "editor", id.String()},
		"too many values":             {"p", "editor", id.String(), "*", "", "deny"},
		"a condition that is none":    {"p", "editor", id.String(), "*", "deny"},
		"a condition in another form": {"p", "editor", id.String(), "*", "own  and days=mon"},
		"a built-in role":             {"p", authz.Owner, id.String(), "*"},
		"every tenant":                {"p", "editor", "*", "blog.*"},
		"a tenant that is none":       {"p", "editor", "acme", "blog.*"},
		"no tenant":                   {"p", "editor", uuid.Nil.String(), "blog.*"},
		"a pattern that is none":      {"p", "editor", id.String(), "blog.po*"},
		"a role that is no name":      {"p", "editor,", id.String(), "blog.*"},
		"a role that is too long":     {"p", strings.Repeat("a", 64), id.String(), "blog.*"},
		"a user that is none":         {"g", "someone", "editor", id.String()},
		"a user in another spelling":  {"g", strings.ToUpper("a" + user.String()[1:]), "editor", id.String()},
		"a role that is another user": {"g", user.String(), id.String(), id.String()},
		"another kind":                {"p2", "editor", id.String(), "blog.*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, f.Adapter(t.Context()).AddPolicy(rule[0][:1], rule[0], rule[1:]))
			left, err := f.client.Rule.Query().Count(t.Context())
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}

func TestAnImportThatCannotBeStoredChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id := uuid.New()
	f.permit(t, id, "editor", "blog.*")
	e, err := newEnforcer(f.vocabulary)
	require.NoError(t, err)
	feed(t, e, "p", []string{"intern", id.String(), "blog.post.read", ""})
	feed(t, e, "p", []string{authz.Viewer, "*", "blog.post.delete", ""}) // no module declares this
	e.SetAdapter(f.Adapter(t.Context()))
	require.ErrorContains(t, e.SavePolicy(), "blog.post.delete")
	require.Equal(t, []string{"editor"}, storedRoles(t, f))
}

func TestManyRulesAreSavedAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		id := uuid.New()
		e, err := newEnforcer(f.vocabulary)
		require.NoError(t, err)
		feed(t, e, "p", []string{"editor", id.String(), "*", ""})
		users := newIDs(2*batchSize + 1)
		for _, user := range users {
			feed(t, e, "g", []string{user.String(), "editor", id.String()})
		}
		e.SetAdapter(f.Adapter(t.Context()))
		require.NoError(t, e.SavePolicy())
		require.NoError(t, f.Authorize(as(t.Context(), id, users[len(users)-1]), "blog.post.read"))

		empty, err := casbin.NewEnforcer(e.GetModel().Copy())
		require.NoError(t, err)
		empty.ClearPolicy()
		empty.SetAdapter(f.Adapter(t.Context()))
		require.NoError(t, empty.SavePolicy())
		require.Empty(t, storedRoles(t, f))
	})
}

func storedRoles(t *testing.T, f fixture) (roles []string) {
	t.Helper()
	rows, err := f.client.Rule.Query().All(t.Context())
	require.NoError(t, err)
	for _, row := range rows {
		roles = append(roles, row.V0)
	}
	return roles
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	l := strings.Split(string(bytes.TrimSpace(content)), "\n")
	slices.Sort(l)
	return l
}
