package authz

import (
	"fmt"
	"slices"
	"testing"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/persist"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

var builtInRoles = []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer, authz.PlatformAdmin}

// TestTheCompiledEvaluatorAnswersAsCasbinDoes compares every answer about random catalogs and random tables, which also
// hold what the package would not store.
func TestTheCompiledEvaluatorAnswersAsCasbinDoes(t *testing.T) {
	t.Parallel()
	d := openSQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		definitions, asked := drawCatalog(rt)
		f := newFixture(t, d, definitions)
		tenants, users := newIDs(2), newIDs(2)
		oracle, err := newEnforcer(f.vocabulary)
		require.NoError(t, err)
		for _, values := range f.vocabulary.derived() {
			feed(t, oracle, "p", values)
		}
		for range rapid.IntRange(0, 40).Draw(rt, "rows") {
			ptype, values := drawRow(rt, tenants, users)
			domain := values[2]
			if ptype == "p" {
				domain = values[1]
			}
			id, ok := parseID(domain)
			if !ok || rapid.IntRange(0, 9).Draw(rt, "another tenant's row") == 0 {
				id = rapid.SampledFrom(tenants).Draw(rt, "tenant of the row")
			}
			n := f.client.Rule.Create().SetTenantID(id).SetPtype(ptype).SetV0(values[0]).SetV1(values[1]).SetV2(values[2])
			err := n.OnConflictColumns("tenant_id", "ptype", "v0", "v1", "v2", "v3", "v4", "v5").Ignore().Exec(t.Context())
			require.NoError(t, err)
			if domain == id.String() || domain == everyTenant {
				feed(t, oracle, ptype, values) // casbin knows no row that belongs to one tenant and speaks of another
			}
		}
		require.NoError(t, oracle.BuildRoleLinks())
		for _, id := range tenants {
			for _, user := range users {
				var held []perm.Permission
				for _, p := range asked {
					want, err := oracle.Enforce(user.String(), id.String(), string(p))
					require.NoError(t, err)
					if got := f.Authorize(as(t.Context(), id, user), p); (got == nil) != want {
						rt.Fatalf("casbin says %t about %s of %s in %s, and the evaluator says %v", want, p, user, id, got)
					}
					if want {
						held = append(held, p)
					}
				}
				listed, err := f.Permissions(t.Context(), id, user)
				require.NoError(t, err)
				listed = slices.DeleteFunc(listed, func(p perm.Permission) bool { return !slices.Contains(asked, p) })
				slices.Sort(held)
				require.Equal(t, append([]perm.Permission{}, held...), listed)
			}
		}
	})
}

func feed(t testing.TB, e *casbin.Enforcer, ptype string, values []string) {
	t.Helper()
	require.NoError(t, persist.LoadPolicyArray(append([]string{ptype}, values...), e.GetModel()))
}

func newIDs(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
	}
	return ids
}

// drawCatalog returns a catalog that sometimes needs several words of a bitset, and what to ask about it.
func drawCatalog(rt *rapid.T) (permissions, []perm.Permission) {
	names := []perm.Permission{
		"audit.event.read", "blog.comment.read", "blog.post.create", "blog.post.read", "blogger.post.read",
		"system.health.check", "system.node.drain",
	}
	asked := append(slices.Clone(names), "shop.order.read", "", "*", "blog.*")
	for i := range rapid.SampledFrom([]int{0, 1, 60, 130}).Draw(rt, "more permissions") {
		names = append(names, perm.Permission(fmt.Sprintf("bulk.item.a%d", i)))
	}
	asked = append(asked, names[len(names)-1], names[len(names)/2])
	var c permissions
	for i, name := range names {
		d := perm.Definition{Name: name, Roles: []string{authz.PlatformAdmin}}
		if i < 7 {
			d.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom(builtInRoles), 0, 3, rapid.ID).Draw(rt, "roles of "+string(name))
		}
		if i > 0 && i%13 == 0 {
			d.Roles = nil
		}
		c = append(c, d)
	}
	slices.Sort(asked)
	return c, slices.Compact(asked)
}

func drawRow(rt *rapid.T, tenants, users []uuid.UUID) (ptype string, values []string) {
	texts := func(ids []uuid.UUID) (s []string) {
		for _, id := range ids {
			s = append(s, id.String())
		}
		return s
	}
	custom := []string{"editor", "support"}
	odd := append([]string{"ghost", "Editor", "", "*"}, texts(users)...)
	role := rapid.OneOf(rapid.SampledFrom(custom), rapid.SampledFrom(custom), rapid.SampledFrom(builtInRoles),
		rapid.SampledFrom(odd)).Draw(rt, "role")
	domain := rapid.SampledFrom(append(texts(tenants), append(texts(tenants), everyTenant)...)).Draw(rt, "domain")
	if rapid.Bool().Draw(rt, "a grant") {
		user := rapid.SampledFrom(append(texts(users), append(texts(users), custom...)...)).Draw(rt, "user")
		return "g", []string{user, role, domain}
	}
	pattern := rapid.SampledFrom([]string{
		"*", "blog.*", "blog.post.*", "blog.post.read", "blogger.post.read", "bulk.*", "bulk.item.*", "system.*",
		"system.health.*", "system.health.check", "audit.event.read", "shop.order.read", "shop.*",
		"", "blog", "blog.", "blog.po*", ".*", "*.*", "blog.post.read.*", "blog*", "**",
	}).Draw(rt, "pattern")
	return "p", []string{role, domain, pattern}
}
