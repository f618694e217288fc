package httpserver_test

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
)

func TestSuccessesAreSampledByTheirTraceAndErrorsAreNot(t *testing.T) {
	t.Parallel()
	var live *config.Live[httpserver.Config]
	app := testapp.New(t, modules.All(), testapp.Options{
		Set:   []string{"http.access_log.sample=0.25", "http.access_log.slow=1h"},
		Extra: []fx.Option{fx.Populate(&live)},
	})
	set := func(a httpserver.AccessLog) {
		apply, err := live.Prepare(loaded{change: func(c *httpserver.Config) { c.AccessLog = a }})
		require.NoError(t, err)
		apply()
	}
	trace := func(i int) string { return fmt.Sprintf("%032x", i+1) }
	ask := func(path string, n int) (lines map[string][]any) {
		app.Log.TakeAll()
		for i := range n {
			app.Do(t, testapp.Call{Path: path, Header: map[string]string{"Traceparent": "00-" + trace(i) + "-00f067aa0ba902b7-01"}})
		}
		lines = map[string][]any{}
		for _, line := range app.Log.FilterMessage("request").All() {
			fields := line.ContextMap()
			id := fields["trace_id"].(string)
			lines[id] = append(lines[id], fields["sample"])
		}
		return lines
	}
	const n = 1000
	kept := ask("/version", n)
	require.InDelta(t, n/4, len(kept), 4*math.Sqrt(n*.25*.75), "the fraction")
	for id, rates := range kept {
		require.Equal(t, []any{0.25}, rates, "%s says what it stands for", id)
	}
	require.Equal(t, kept, ask("/version", n), "the same traces again")
	for id, rates := range ask("/nothing", 100) {
		require.Equal(t, []any{nil}, rates, "%s is an error, which stands for itself", id)
	}
	require.Len(t, ask("/nothing", 100), 100)
	require.Len(t, ask("/api/v1/me", 100), 100, "nobody is signed in")
	require.Equal(t, fmt.Sprint(2*n), metric(t, app, `platform_http_requests_total{method="GET",route="/version",status="200"}`), "all are counted")

	set(httpserver.AccessLog{Sample: 0.25, Slow: 1})
	require.Len(t, ask("/version", 100), 100, "slow ones are logged")
	set(httpserver.AccessLog{Sample: 0, Slow: time.Hour})
	require.Empty(t, ask("/version", 100))
	app.Log.TakeAll()
	set(httpserver.AccessLog{Sample: 0.5, Slow: time.Hour})
	for range 200 {
		app.Want(t, http.StatusOK, testapp.Call{Path: "/version"})
	}
	require.InDelta(t, 100, app.Log.FilterMessage("request").Len(), 50, "the id of the request decides where there is no trace")
	set(httpserver.AccessLog{Sample: 1, Slow: time.Hour})
	require.Equal(t, []any{nil}, ask("/version", 1)[trace(0)])
}

func TestTheAccessLogRefusesWhatIsNoFraction(t *testing.T) {
	t.Parallel()
	for _, sample := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		cfg := httpserver.DefaultConfig()
		cfg.AccessLog.Sample = sample
		require.ErrorContains(t, cfg.Validate(), "access_log.sample must be between 0 and 1")
	}
	cfg := httpserver.DefaultConfig()
	cfg.AccessLog.Slow = 0
	require.ErrorContains(t, cfg.Validate(), "access_log.slow must be positive")
}
