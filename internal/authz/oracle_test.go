package authz

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/persist"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

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
			domain, when := values[2], ""
			if ptype == "p" {
				domain, when = values[1], values[3]
			}
			id, ok := parseID(domain)
			if !ok || rapid.IntRange(0, 9).Draw(rt, "another tenant's row") == 0 {
				id = rapid.SampledFrom(tenants).Draw(rt, "tenant of the row")
			}
			n := f.client.Rule.Create().SetTenantID(id).SetPtype(ptype).SetV0(values[0]).SetV1(values[1]).SetV2(values[2]).SetV3(when)
			err := n.OnConflictColumns("tenant_id", "ptype", "v0", "v1", "v2", "v3", "v4", "v5").Ignore().Exec(t.Context())
			require.NoError(t, err)
			if domain == id.String() || domain == everyTenant {
				feed(t, oracle, ptype, values) // casbin knows no row that belongs to one tenant and speaks of another
			}
		}
		require.NoError(t, oracle.BuildRoleLinks())
		now := rapid.SampledFrom(moments).Draw(rt, "now")
		f.now = func() time.Time { return now }
		resources := []authz.Attributes{nil}
		for range 2 {
			resources = append(resources, drawResource(rt, users))
		}
		for _, id := range tenants {
			for _, user := range users {
				ctx := as(t.Context(), id, user)
				held := []perm.Permission{}
				for _, p := range asked {
					answers := make([]bool, len(resources))
					for i, resource := range resources {
						answers[i], err = oracle.Enforce(user.String(), id.String(), string(p), Resource{resource, now})
						require.NoError(t, err)
						if got := f.AuthorizeResource(ctx, p, resource); (got == nil) != answers[i] {
							rt.Fatalf("casbin says %t about %s of %v by %s in %s, and the evaluator says %v", answers[i], p, resource, user, id, got)
						}
					}
					if got := f.Authorize(ctx, p); (got == nil) != answers[0] {
						rt.Fatalf("casbin says %t about %s of %s in %s, and the evaluator says %v", answers[0], p, user, id, got)
					}
					if _, got := f.Admit(ctx, p); got != nil && slices.Contains(answers, true) {
						rt.Fatalf("casbin would allow %s to do %s in %s, and is not asked: %v", user, p, id, got)
					}
					explained, err := f.Explain(ctx, authz.Question{User: user, Permission: p, Attributes: resources[1]})
					if err == nil {
						require.Equal(t, answers[1], explained.Allowed)
					} else {
						require.ErrorIs(t, err, authz.ErrPermissionUnknown)
					}
					if answers[0] && !conditional(t, f, id, user, p) {
						held = append(held, p)
					}
				}
				listed, err := f.Permissions(t.Context(), id, user)
				require.NoError(t, err)
				listed = slices.DeleteFunc(listed, func(p perm.Permission) bool { return !slices.Contains(asked, p) })
				slices.Sort(held)
				require.Equal(t, held, listed)
			}
		}
	})
}

// conditional tells whether every rule that reaches p has a condition.
func conditional(t *testing.T, f fixture, id, user uuid.UUID, p perm.Permission) bool {
	t.Helper()
	e, err := f.Explain(as(t.Context(), id, user), authz.Question{User: user, Permission: p})
	require.NoError(t, err)
	return !slices.ContainsFunc(e.Rules, func(r authz.Reason) bool { return r.When == "" })
}

var moments = []time.Time{
	time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),   // a Monday
	time.Date(2026, 3, 2, 23, 59, 0, 0, time.UTC), // at night
	time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC),  // a Saturday
	time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
}

var whens = []string{
	"", "", "own", "status=draft", "own and status=draft", "days=mon-fri", "hours=09:00-17:00", "hours=22:00-06:00 and own",
	"from=2026-03-02T09:00:00Z and until=2026-03-02T23:59:00Z", "until=2027-01-01T00:00:00Z",
	"sometimes", "own and days=mon", "own ", "status=", // these are none, or not spelled as they should be
}

func drawResource(rt *rapid.T, users []uuid.UUID) authz.Attributes {
	resource := authz.Attributes{}
	if owner := rapid.SampledFrom(append([]uuid.UUID{uuid.Nil}, users...)).Draw(rt, "owner"); owner != uuid.Nil {
		resource[perm.Owner] = owner.String()
	}
	if status := rapid.SampledFrom([]string{"", "draft", "published"}).Draw(rt, "status"); status != "" {
		resource["status"] = status
	}
	return resource
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
			d.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom(builtInNames), 0, 3, rapid.ID).Draw(rt, "roles of "+string(name))
			if rapid.Bool().Draw(rt, "a built-in role with a condition") {
				h := perm.Holder{Role: rapid.SampledFrom(builtInNames).Draw(rt, "role"), When: rapid.SampledFrom(whens[2:10]).Draw(rt, "when")}
				d.Conditional = append(d.Conditional, h)
			}
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
	role := rapid.OneOf(rapid.SampledFrom(custom), rapid.SampledFrom(custom), rapid.SampledFrom(builtInNames),
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
	return "p", []string{role, domain, pattern, rapid.SampledFrom(whens).Draw(rt, "condition")}
}
