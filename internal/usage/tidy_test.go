package usage_test

import (
	"context"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
	pkgusage "github.com/yourorg/platform/pkg/usage"
)

const aDay = 24 * time.Hour

// count is how many rows a table has.
func count(t *testing.T, app *testapp.App, table string) (n int) {
	t.Helper()
	var rows entsql.Rows
	require.NoError(t, app.Database.Query(tenant.System(t.Context(), "test"), "SELECT count(*) FROM "+table, []any{}, &rows))
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&n))
	require.NoError(t, rows.Close())
	return n
}

func TestOldHoursBecomeDaysAndOldDaysGo(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"usage.enabled=false"}}) // the test counts
	r, ids := newReplica(app), []tenant.ID{uuid.New(), uuid.New()}
	noon := time.Now().UTC().Truncate(aDay).Add(12 * time.Hour)
	ago := func(days int) time.Time { return noon.Add(-time.Duration(days) * aDay) }
	for _, id := range ids {
		for hour := range 24 * 40 { // five days of which are old
			r.Answered(id, noon.Add(-time.Duration(hour)*time.Hour), usage.Answer{Status: 200, Took: 100 * time.Millisecond})
		}
		usage.ConsumedAt(r.Recorder, id, ago(39), "tokens", 5)
	}
	require.NoError(t, r.Flush(t.Context()))
	before, err := r.Usage(t.Context(), ids[0], all(pkgusage.Day, noon))
	require.NoError(t, err)
	require.Equal(t, 2*24*40, count(t, app, "usage_hours"))

	moved, err := usage.TidyAt(r.Recorder, t.Context(), noon)
	require.NoError(t, err)
	require.Equal(t, 2*(24*40-24*35-13), moved, "what is before the day that began five weeks ago")
	require.Equal(t, 2*5, count(t, app, "usage_days"))
	after, err := r.Usage(t.Context(), ids[0], all(pkgusage.Day, noon))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, map[quota.Unit]int64{"tokens": 5}, after[1].Units)

	r.Answered(ids[0], ago(39), usage.Answer{Status: 200, Took: 100 * time.Millisecond}) // somebody's clock is late
	require.NoError(t, r.Flush(t.Context()))
	_, err = usage.TidyAt(r.Recorder, t.Context(), noon)
	require.NoError(t, err)
	again, err := r.Usage(t.Context(), ids[0], all(pkgusage.Day, noon))
	require.NoError(t, err)
	require.Equal(t, after[1].Requests+1, again[1].Requests)

	_, err = usage.TidyAt(r.Recorder, t.Context(), noon.Add(730*aDay))
	require.NoError(t, err)
	require.Zero(t, count(t, app, "usage_hours"))
	require.Equal(t, 2, count(t, app, "usage_days"), "that of today, of each")
	require.Zero(t, count(t, app, "usage_writers"), "nobody has written for two years")
	_, err = usage.TidyAt(r.Recorder, t.Context(), noon.Add(731*aDay))
	require.NoError(t, err)
	require.Zero(t, count(t, app, "usage_days"))
}

func TestATenantThatIsErasedLeavesNoUsage(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"usage.enabled=false"}})
	r, id, other := newReplica(app), uuid.New(), uuid.New()
	for _, id := range []tenant.ID{id, other} {
		r.Answered(id, time.Now(), usage.Answer{Status: 200})
		r.Answered(id, time.Now().Add(-40*aDay), usage.Answer{Status: 200})
	}
	require.NoError(t, r.Flush(t.Context()))
	_, err := r.Tidy(t.Context())
	require.NoError(t, err)
	for _, id := range []tenant.ID{id, other} { // one is to be repeated, and one has not been tried
		r.Answered(id, time.Now().Add(-aDay), usage.Answer{Status: 200})
		r.store.rollBack = true
		require.Error(t, r.Flush(t.Context()))
		r.store.rollBack = false
		r.Answered(id, time.Now().Add(-2*aDay), usage.Answer{Status: 200})
	}
	ctx := tenant.NewContext(t.Context(), id)
	n, err := r.Erase(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = r.Erase(ctx, id)
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoError(t, r.Flush(t.Context()))
	require.Equal(t, 3, count(t, app, "usage_hours"), "those of the other tenant")
	require.Equal(t, 1, count(t, app, "usage_days"))
}

func TestARunningReplicaWritesByItself(t *testing.T) {
	t.Parallel()
	var r *usage.Recorder
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"usage.flush_interval=1s"}, Extra: []fx.Option{fx.Populate(&r)}})
	customer := app.Register(t, "customer")
	app.Want(t, 200, testapp.Call{Path: "/api/v1/me", Token: customer.Token})
	require.Eventually(t, func() bool {
		shown, err := r.Usage(context.Background(), customer.TenantID, all(pkgusage.Hour, time.Now()))
		return err == nil && len(shown) > 0
	}, time.Minute, 10*time.Millisecond)
}

func TestAWrongConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	require.NoError(t, usage.DefaultConfig().Validate())
	for key, change := range map[string]func(*usage.Config){
		"flush_interval": func(c *usage.Config) { c.FlushInterval = 0 },
		"max_tenants":    func(c *usage.Config) { c.MaxTenants = 0 },
		"keep_hours":     func(c *usage.Config) { c.KeepHours = aDay },
		"keep_days":      func(c *usage.Config) { c.KeepDays = c.KeepHours - 1 },
	} {
		c := usage.DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), key)
	}
}
