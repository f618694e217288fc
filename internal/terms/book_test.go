package terms_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

func TestWhatIsSetForATenantCountsOnEveryReplicaWithinASecond(t *testing.T) {
	t.Parallel()
	here := newRig(t, "")
	there := here.replica(t)
	require.True(t, here.entitled(t, export))
	require.True(t, there.entitled(t, export))
	require.Same(t, here.of(t), here.of(t), "terms are remembered")

	stranger, err := here.book.Of(t.Context(), here.Register(t, "neighbour").TenantID)
	require.NoError(t, err)
	require.Same(t, here.of(t), stranger, "tenants that have nothing of their own share the terms of their plan")

	version, err := here.book.SetLimits(t.Context(), here.id, terms.Limits{
		Withheld: []entitlement.Name{export}, Quotas: []quota.Limit{{Unit: "tokens", Window: quota.Day, Amount: 7}},
	}, nil)
	require.NoError(t, err)
	require.Equal(t, 1, version)
	for _, r := range []*rig{here, there} {
		testapp.WithinASecond(t, func() bool { return !r.entitled(t, export) })
		require.True(t, r.entitled(t, gifts))
		require.Equal(t, []quota.Limit{{Unit: "tokens", Window: quota.Day, Amount: 7}}, r.of(t).Limits("tokens"))
		require.Empty(t, r.of(t).Limits("seats"))
	}
	require.ErrorIs(t, there.book.Check(there.ctx(), export), entitlement.ErrMissing)
	require.NoError(t, there.book.Check(there.ctx(), gifts))
	require.ErrorIs(t, there.book.Check(t.Context(), gifts), tenant.ErrMissing)
}

func TestAPlanCountsForAllWhoHaveIt(t *testing.T) {
	t.Parallel()
	here := newRig(t, "", "terms.plans=standard=*, lean=shop.gifts; seats 5/lifetime; rate 3 burst 4", "terms.default_plan=lean")
	require.False(t, here.entitled(t, export))
	require.Equal(t, &terms.Rate{PerSecond: 3, Burst: 4}, here.of(t).Rate)
	there := newRig(t, here.DatabaseURL())
	there.id = here.id

	gold := terms.Plan{Name: "gold", Description: "The best.", Grant: terms.Grant{Entitlements: []entitlement.Name{"shop.*"}}}
	version, err := here.book.SetPlan(t.Context(), gold, nil)
	require.NoError(t, err)
	require.Equal(t, 1, version)
	_, err = here.book.SetLimits(t.Context(), here.id, terms.Limits{Plan: "gold"}, nil)
	require.NoError(t, err)
	testapp.WithinASecond(t, func() bool { return there.entitled(t, export) && there.of(t).Plan == "gold" })

	gold.Entitlements = nil
	version, err = there.book.SetPlan(t.Context(), gold, func(p terms.Plan) bool { return p.Version == 1 })
	require.NoError(t, err)
	require.Equal(t, 2, version)
	testapp.WithinASecond(t, func() bool { return !here.entitled(t, gifts) })

	// A plan that is made again begins at the same versions.
	require.ErrorIs(t, here.book.DeletePlan(t.Context(), "gold", nil), terms.ErrInUse)
	_, err = here.book.SetLimits(t.Context(), here.id, terms.Limits{}, nil)
	require.NoError(t, err)
	require.ErrorIs(t, here.book.DeletePlan(t.Context(), "gold", func(p terms.Plan) bool { return p.Version == 1 }), terms.ErrChanged)
	require.NoError(t, here.book.DeletePlan(t.Context(), "gold", nil))
	require.ErrorIs(t, here.book.DeletePlan(t.Context(), "gold", nil), terms.ErrUnknownPlan)
	gold.Entitlements = []entitlement.Name{gifts}
	_, err = here.book.SetPlan(t.Context(), gold, nil)
	require.NoError(t, err)
	_, err = here.book.SetLimits(t.Context(), here.id, terms.Limits{Plan: "gold"}, nil)
	require.NoError(t, err)
	testapp.WithinASecond(t, func() bool {
		return there.of(t).Plan == "gold" && there.entitled(t, gifts) && !there.entitled(t, export)
	})
}

func TestPlansOfTheConfigurationAreNotChangedHere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	_, err := r.book.SetPlan(t.Context(), terms.Plan{Name: "standard"}, nil)
	require.ErrorIs(t, err, terms.ErrConfigured)
	require.ErrorIs(t, r.book.DeletePlan(t.Context(), "standard", nil), terms.ErrConfigured)
	_, err = r.book.Plan(t.Context(), "gold")
	require.ErrorIs(t, err, terms.ErrUnknownPlan)
	_, err = r.book.SetPlan(t.Context(), terms.Plan{Name: "a"}, nil)
	require.NoError(t, err)
	all, err := r.book.Plans(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []string{"a", "standard"}, []string{all[0].Name, all[1].Name})
	require.True(t, all[1].Configured)
}

func TestLimitsAreShownAsTheyAreSetAndAsTheyCount(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	set, after, version, err := r.book.Limits(t.Context(), r.id)
	require.NoError(t, err)
	require.Zero(t, version)
	require.Empty(t, set.Plan, "the default plan is not chosen for good by whoever puts back what they got")
	require.Equal(t, "standard", after.Name)
	require.Contains(t, after.Entitlements, export)

	want := terms.Limits{Plan: "standard", KeyRate: &terms.Rate{PerSecond: 1, Burst: 2}, Withheld: []entitlement.Name{"shop.*"}}
	_, err = r.book.SetLimits(t.Context(), r.id, want, nil)
	require.NoError(t, err)
	set, after, version, err = r.book.Limits(t.Context(), r.id)
	require.NoError(t, err)
	require.Equal(t, 1, version)
	require.Equal(t, want, set)
	require.Equal(t, want.KeyRate, after.KeyRate)
	require.NotContains(t, after.Entitlements, export)

	_, _, _, err = r.book.Limits(t.Context(), uuid.New())
	require.ErrorIs(t, err, terms.ErrUnknownTenant)
	_, err = r.book.SetLimits(t.Context(), uuid.New(), want, nil)
	require.ErrorIs(t, err, terms.ErrUnknownTenant)
	_, err = r.book.SetPolicies(t.Context(), uuid.New(), terms.Policies{}, nil)
	require.ErrorIs(t, err, terms.ErrUnknownTenant)
	_, err = r.book.SetLimits(t.Context(), r.id, terms.Limits{Plan: "gold"}, nil)
	require.ErrorIs(t, err, terms.ErrInvalid)
}

func TestOfManyWhoChangeOneVersionOneWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	accepts := func(v int) bool { return v == 0 }
	for name, change := range map[string]func() (int, error){
		"limits":   func() (int, error) { return r.book.SetLimits(t.Context(), r.id, terms.Limits{}, accepts) },
		"policies": func() (int, error) { return r.book.SetPolicies(t.Context(), r.id, terms.Policies{}, accepts) },
		"plan": func() (int, error) {
			return r.book.SetPlan(t.Context(), terms.Plan{Name: "gold"}, func(p terms.Plan) bool { return accepts(p.Version) })
		},
	} {
		var won atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				version, err := change()
				if err == nil && version == 1 {
					won.Add(1)
					return
				}
				if !errors.Is(err, terms.ErrChanged) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, won.Load(), name)
	}
}

func TestAPlanIsNeverDeletedWhileSomebodyIsGivenIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for range 20 {
		_, err := r.book.SetPlan(t.Context(), terms.Plan{Name: "gold"}, nil)
		require.NoError(t, err)
		var given, deleted error
		var both sync.WaitGroup
		both.Go(func() { _, given = r.book.SetLimits(context.Background(), r.id, terms.Limits{Plan: "gold"}, nil) })
		both.Go(func() { deleted = r.book.DeletePlan(context.Background(), "gold", nil) })
		both.Wait()
		require.NotEqual(t, given == nil, deleted == nil, "given: %v, deleted: %v", given, deleted)
		_, err = r.book.SetLimits(t.Context(), r.id, terms.Limits{}, nil)
		require.NoError(t, err)
	}
}

func TestTheTrailOfATenantShowsEachChangeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for n := range 2 {
		_, err := r.book.SetLimits(t.Context(), r.id, terms.Limits{Rate: &terms.Rate{PerSecond: 1 + n, Burst: 1}}, nil)
		require.NoError(t, err)
	}
	rows := r.Rows(t, "SELECT changes FROM audit_events WHERE tenant_id = '"+r.id.String()+"' AND changes LIKE '%terms.limits%' ORDER BY id")
	require.Len(t, rows, 2, "%v", rows)
}

func TestNothingIsLeftOfATenantThatIsErased(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	_, err := r.book.SetLimits(t.Context(), r.id, terms.Limits{}, nil)
	require.NoError(t, err)
	_, err = r.book.SetPolicies(t.Context(), r.id, terms.Policies{Allow: map[policy.Kind][]string{models: {}}}, nil)
	require.NoError(t, err)
	require.NoError(t, r.Database.InTx(r.ctx(), func(ctx context.Context) error {
		n, err := r.book.Erase(ctx, r.id)
		require.Equal(t, 2, n)
		return err
	}))
	require.Empty(t, r.Rows(t, "SELECT id FROM terms_limits UNION SELECT id FROM terms_policies"))
}
