package ops_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/modules"
)

type used struct {
	By    string
	Items []struct {
		Start        time.Time
		Requests     int64
		ClientErrors int64 `json:"client_errors"`
		ServerErrors int64 `json:"server_errors"`
		BytesIn      int64 `json:"bytes_in"`
		BytesOut     int64 `json:"bytes_out"`
		Latency      struct {
			Mean, P50, P95, P99 float64
		} `json:"latency_ms"`
		Quota map[string]int64
	}
}

// total adds up the intervals: a test may run into the next hour.
func (u used) total() (requests, clientErrors, in, out, tokens int64) {
	for _, i := range u.Items {
		requests, clientErrors, in, out, tokens = requests+i.Requests, clientErrors+i.ClientErrors, in+i.BytesIn, out+i.BytesOut, tokens+i.Quota["tokens"]
	}
	return requests, clientErrors, in, out, tokens
}

func counting(t *testing.T, o ...testapp.Options) (*testapp.App, *usage.Recorder) {
	t.Helper()
	var r *usage.Recorder
	return testapp.New(t, modules.All(), append([]testapp.Options{{Extra: []fx.Option{fx.Populate(&r)}}}, o...)...), r
}

func TestTheOperatorSeesWhatATenantUsedOnAllReplicas(t *testing.T) {
	t.Parallel()
	app, here := counting(t)
	beside, there := counting(t, testapp.Options{Database: app.DatabaseURL()})
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	customer, other := app.Register(t, "customer"), app.Register(t, "other")
	path := "/api/v1/ops/tenants/" + customer.TenantID.String() + "/usage"
	flush := func() {
		require.NoError(t, here.Flush(t.Context()))
		require.NoError(t, there.Flush(t.Context()))
	}
	flush()
	var before used
	app.Want(t, http.StatusOK, testapp.Call{Path: path, Token: admin}).JSON(t, &before)
	requests, failures, in, out, _ := before.total() // of the registration

	me := testapp.Call{Path: "/api/v1/me", Token: customer.Token}
	size := int64(len(app.Want(t, http.StatusOK, me).Body))
	require.EqualValues(t, size, len(beside.Want(t, http.StatusOK, me).Body))
	app.Want(t, http.StatusForbidden, testapp.Call{Path: path, Token: customer.Token}) // not the operator's, and of that tenant
	head := me
	head.Method = http.MethodHead
	app.Do(t, head)
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: other.Token})
	app.Want(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Header: map[string]string{"X-Tenant-ID": customer.TenantID.String()}})
	here.Consumed(customer.TenantID, "tokens", 30)
	there.Consumed(customer.TenantID, "tokens", 12)

	flush()
	var now, byDay used
	app.Want(t, http.StatusOK, testapp.Call{Path: path, Token: admin}).JSON(t, &now)
	app.Want(t, http.StatusOK, testapp.Call{Path: path + "?by=day", Token: admin}).JSON(t, &byDay)
	require.Equal(t, "day", byDay.By)
	for _, shown := range []used{now, byDay} {
		gotRequests, gotFailures, gotIn, gotOut, tokens := shown.total()
		require.EqualValues(t, []int64{requests + 4, failures + 1, in, 42}, []int64{gotRequests, gotFailures, gotIn, tokens})
		require.Greater(t, gotOut, out+2*size, "and what was said to who may not")
		require.Less(t, gotOut, out+3*size, "but not the answer without a body")
		latency := shown.Items[len(shown.Items)-1].Latency
		require.Positive(t, latency.Mean)
		require.Positive(t, latency.P50)
		require.LessOrEqual(t, latency.P50, latency.P95)
		require.LessOrEqual(t, latency.P95, latency.P99)
	}
}

func TestTheBytesOfABodyWithoutALengthAreCounted(t *testing.T) {
	t.Parallel()
	app, recorder := counting(t)
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	customer := app.Register(t, "customer")
	body := `{"name":"` + strings.Repeat("x", 500) + `"}`
	for _, length := range []int64{int64(len(body)), -1} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/api-keys", strings.NewReader(body))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+customer.Token)
		app.Send(t, r)
	}
	require.NoError(t, recorder.Flush(t.Context()))
	var shown used
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/tenants/" + customer.TenantID.String() + "/usage", Token: admin}).JSON(t, &shown)
	_, _, in, _, _ := shown.total()
	require.EqualValues(t, 2*len(body), in)
}

func TestWhatIsCountedIsWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	app, _ := counting(t)
	customer := uuid.Nil
	t.Run("a replica that comes and goes", func(t *testing.T) { //nolint:paralleltest // it has to be over
		beside, recorder := counting(t, testapp.Options{Database: app.DatabaseURL(), Set: []string{"usage.flush_interval=10m"}})
		customer = beside.Register(t, "customer").TenantID
		recorder.Consumed(customer, "tokens", 7)
	})
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	var shown used
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/tenants/" + customer.String() + "/usage", Token: admin}).JSON(t, &shown)
	_, _, _, _, tokens := shown.total()
	require.EqualValues(t, 7, tokens)
}

func TestARangeOfUsageIsChecked(t *testing.T) {
	t.Parallel()
	app, _ := counting(t)
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	owner := app.Register(t, "owner")
	path := "/api/v1/ops/tenants/" + owner.TenantID.String() + "/usage"
	for query, status := range map[string]int{
		"":         http.StatusOK,
		"?by=hour": http.StatusOK,
		"?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:01Z":        http.StatusOK,
		"?from=2026-01-01T00:30:00Z&to=2026-02-11T16:00:00Z":        http.StatusOK, // 1000 hours
		"?from=2026-01-01T00:30:00Z&to=2026-02-11T16:00:01Z":        http.StatusUnprocessableEntity,
		"?by=day&from=2024-01-01T00:00:00Z&to=2026-09-27T00:00:00Z": http.StatusOK, // 1000 days
		"?by=day&from=2024-01-01T00:00:00Z&to=2026-09-27T00:00:01Z": http.StatusUnprocessableEntity,
		"?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z":        http.StatusUnprocessableEntity,
		"?from=2026-01-01T01:00:00Z&to=2026-01-01T00:00:00Z":        http.StatusUnprocessableEntity,
		"?from=0001-01-01T01:00:00Z":                                http.StatusUnprocessableEntity,
		"?from=9999-12-31T01:00:00Z&to=9999-12-31T02:00:00Z":        http.StatusUnprocessableEntity,
		"?by=week":        http.StatusUnprocessableEntity,
		"?from=yesterday": http.StatusUnprocessableEntity,
	} {
		app.Want(t, status, testapp.Call{Path: path + query, Token: admin})
	}
	require.Equal(t, "usage.range_invalid", app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: path + "?to=0001-01-01T00:00:00Z", Token: admin}).Code(t))

	unknown := testapp.Call{Path: "/api/v1/ops/tenants/" + uuid.NewString() + "/usage", Token: admin}
	require.Equal(t, "usage.tenant_unknown", app.Want(t, http.StatusNotFound, unknown).Code(t))
	app.Want(t, http.StatusForbidden, testapp.Call{Path: path, Token: owner.Token})
	require.NoError(t, app.Grants.Assign(t.Context(), owner.TenantID, owner.ID, "platform_admin"))
	require.Equal(t, "ops.operator_only", app.Want(t, http.StatusForbidden, testapp.Call{Path: path, Token: owner.Token}).Code(t))
}
