package authz

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// size is how many rules a benchmark has. Half of a tenant's rules are the permissions of its roles, ten to a role, and
// half are grants.
type size struct{ tenants, rules int }

var sizes = []size{{1, 100}, {1000, 100}, {1, 100_000}}

func (s size) String() string { return fmt.Sprintf("%d_tenants_x_%d_rules", s.tenants, s.rules) }

const (
	benchPermissions = 200
	benchRole        = 10
)

func benchCatalog() permissions {
	c := make(permissions, benchPermissions)
	for i := range c {
		c[i].Name = perm.Permission(fmt.Sprintf("module%d.resource%d.action%d", i%20, i%5, i))
		c[i].Roles = []string{authz.Owner}
	}
	return c
}

// populate calls add for every rule. It returns a user of each tenant, and a permission that they hold by their tenant's
// last rule.
func (s size) populate(add func(t uuid.UUID, ptype string, values ...string)) (users []auth.Caller, asked perm.Permission) {
	c := benchCatalog()
	for range s.tenants {
		who := auth.Caller{TenantID: uuid.New()}
		for i := range s.rules / 2 {
			role := fmt.Sprintf("role%d", i/benchRole)
			who.UserID, asked = uuid.New(), c[i*7%benchPermissions].Name
			add(who.TenantID, "p", role, who.TenantID.String(), string(asked))
			add(who.TenantID, "g", who.UserID.String(), role, who.TenantID.String())
		}
		users = append(users, who)
	}
	return users, asked
}

func contexts(users []auth.Caller) []context.Context {
	var all []context.Context
	for _, u := range users {
		all = append(all, as(context.Background(), u.TenantID, u.UserID))
	}
	return all
}

func BenchmarkAuthorize(b *testing.B) {
	for _, s := range sizes {
		a, err := New(nil, nil, benchCatalog(), &announcements{})
		require.NoError(b, err)
		rules := map[uuid.UUID][]rule{}
		users, asked := s.populate(func(t uuid.UUID, ptype string, values ...string) {
			r, err := parseRule(ptype, values)
			require.NoError(b, err)
			rules[t] = append(rules[t], r)
		})
		who := contexts(users)
		for t, of := range rules {
			a.cache.put(t, compile(a.vocabulary, of), 0)
		}
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := a.Authorize(who[i], asked); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(who) {
					i = 0
				}
			}
		})
		b.Run(s.String()+"_parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if err := a.Authorize(who[i%len(who)], asked); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// padded has every column that casbin's model asks for.
func padded(ptype string, values []string) []string {
	if ptype == permissionRule {
		return append(slices.Clone(values), "")
	}
	return values
}

// BenchmarkCasbinEnforce is the same question to casbin's own evaluation, for comparison.
func BenchmarkCasbinEnforce(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.String(), func(b *testing.B) {
			v, err := newVocabulary(benchCatalog())
			require.NoError(b, err)
			e, err := newEnforcer(v)
			require.NoError(b, err)
			users, asked := s.populate(func(_ uuid.UUID, ptype string, values ...string) {
				require.NoError(b, e.GetModel().AddPolicy(ptype, ptype, padded(ptype, values)))
			})
			require.NoError(b, e.BuildRoleLinks())
			who := users[len(users)/2]
			b.ReportAllocs()
			for b.Loop() {
				allowed, err := e.Enforce(who.UserID.String(), who.TenantID.String(), string(asked), Resource{})
				if err != nil || !allowed {
					b.Fatal(allowed, err)
				}
			}
		})
	}
}

// BenchmarkFirstUse is what the first decision about a tenant costs, or the first after a change.
func BenchmarkFirstUse(b *testing.B) {
	for _, s := range []size{{1, 100}, {1, 100_000}} {
		b.Run(s.String(), func(b *testing.B) {
			f := newFixture(b, openSQLite(b), benchCatalog())
			var rules []rule
			users, asked := s.populate(func(_ uuid.UUID, ptype string, values ...string) {
				r, err := parseRule(ptype, values)
				require.NoError(b, err)
				rules = append(rules, r)
			})
			require.NoError(b, f.driver.InTx(b.Context(), func(ctx context.Context) error { return f.insert(ctx, rules) }))
			who := contexts(users)[0]
			b.ReportAllocs()
			for b.Loop() {
				f.Changed("")
				if err := f.Authorize(who, asked); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
