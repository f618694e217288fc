package jobs_test

import (
	"context"
	"io/fs"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// deluxe is a probe that declares a feature.
type deluxe struct{ probe }

func (deluxe) Manifest() []byte {
	return []byte("name: probe\nversion: 1.0.0\ndescription: Works.\nentitlements:\n  - {name: probe.deluxe, description: Works better.}\n")
}
func (deluxe) Migrations() fs.FS { return nil }

func TestAJobIsDoneForTenantsThatAreEntitledOnly(t *testing.T) {
	onEngines(t, func(t *testing.T, engine []string) {
		var done atomic.Int32
		p := does(func(context.Context, work) error { done.Add(1); return nil })
		p.handlers[0] = p.handlers[0].Entitled("probe.deluxe")
		r := &rig{}
		var registry terms.Registry
		r.App = testapp.New(t, append(modules.All(), deluxe{p}), testapp.Options{
			Set:   append(append([]string{}, quick...), engine...),
			Extra: []fx.Option{fx.Populate(&r.jobs, &r.inspector, &r.runner, &registry)},
		})
		r.tenant = r.Register(t, "customer").TenantID
		r.becomes(t, r.enqueue(t, work{}), "completed")
		require.EqualValues(t, 1, done.Load())

		_, err := registry.SetLimits(t.Context(), r.tenant, terms.Limits{Withheld: []entitlement.Name{"probe.deluxe"}}, nil)
		require.NoError(t, err)
		testapp.WithinASecond(t, func() bool { return r.becomes(t, r.enqueue(t, work{}), "completed", "canceled").State == "canceled" })
		refused := r.becomes(t, r.enqueue(t, work{}), "canceled")
		require.Equal(t, entitlement.ErrMissing.Code, refused.Error)
		require.Equal(t, 1, refused.Attempt)
		before := done.Load()

		_, err = registry.SetLimits(t.Context(), r.tenant, terms.Limits{}, nil)
		require.NoError(t, err)
		testapp.WithinASecond(t, func() bool {
			require.NoError(t, r.inspector.Retry(t.Context(), refused.ID))
			return r.becomes(t, refused.ID, "completed", "canceled").State == "completed"
		})
		require.Greater(t, done.Load(), before)

		// What is nobody's has no plan.
		id, err := r.jobs.Enqueue(tenant.System(context.Background(), "a test"), work{})
		require.NoError(t, err)
		require.Equal(t, 1, r.becomes(t, id, "failed").Attempt)
	})
}

func TestAFeatureThatNobodyDeclaresFailsTheStart(t *testing.T) {
	t.Parallel()
	h := job.On(func(context.Context, work) error { return nil }).Entitled("probe.deluxe")
	require.ErrorContains(t, new(jobs.Kinds).Bind([]job.Worker{worker{h}}, nil), `asks for the entitlement "probe.deluxe"`)
	require.NoError(t, new(jobs.Kinds).Bind([]job.Worker{worker{h}}, []entitlement.Definition{{Name: "probe.deluxe"}}))
}
